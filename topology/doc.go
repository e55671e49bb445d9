// Package topology says what a RabbitMQ cluster is: its nodes, their names, types and ports, and the paths,
// labels and outputs that several programs rely on. It is pure: no network, no Docker, no Pulumi.
//
// Package stackconfig makes a Cluster from a stack's configuration, and package render the files for it.
// Package infra turns a Cluster into resources. Everything that runs after `pulumi up` reads the stack's
// Outputs.
package topology
