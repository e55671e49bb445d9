// Package topology says what a RabbitMQ cluster is: its nodes, their names, types and ports, the files that
// configure them, and the exchanges, queues and bindings an application needs. It is pure: no network, no
// Docker, no Pulumi. Package infra turns a Cluster into resources; everything that runs after `pulumi up`
// reads the stack's Outputs.
package topology
