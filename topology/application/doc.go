// Package application says what an application needs of a cluster: virtual hosts, users and their rights,
// policies, limits, exchanges, queues, bindings, federation upstreams and shovels.
//
// An application is written in the vocabulary of RabbitMQ's own definitions, in YAML or as RabbitMQ exports
// it in JSON. Package appfile reads such files and reports every mistake in them at once, with its line. Diff
// compares what is written with what a cluster has, and says what has to be done. Both are pure; package
// operate/application asks clusters and changes them.
package application
