// Package observe looks at a cluster: it fills a [plan.View] from the nodes' metrics, the management API
// and the nodes' agents. It starts an Erlang virtual machine only for what these do not tell: whether
// RabbitMQ is stopped in a node whose virtual machine runs, and how far the replicas of streams are.
package observe
