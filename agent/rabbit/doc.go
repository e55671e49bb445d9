// Package rabbit is how the agent talks to RabbitMQ: the management API and the metrics of a node, and
// RabbitMQ's command-line tools for what these can't do. It knows calls, fields and permissions, and
// decides nothing.
//
// Endpoints are those of RabbitMQ 3.10 to 4.3; a comment says which series lacks one. Their fields are
// documented at https://www.rabbitmq.com/docs/http-api-reference and
// https://www.rabbitmq.com/docs/prometheus.
package rabbit
