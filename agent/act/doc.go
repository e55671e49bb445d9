// Package act carries out the planner's actions: each by one call, over HTTP where RabbitMQ has an
// endpoint, and by a command-line tool where only that can. Every call can be repeated after it was cut
// off. That a call succeeded proves nothing; whoever acts looks again.
package act
