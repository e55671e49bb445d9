// Package plan decides what may be done to a RabbitMQ cluster, and what may not. It is pure: it looks at a
// [View] of the cluster and at what the operator [Desired], and returns a [Decision]. It reads no clock, no
// network and no disk, and it remembers nothing, so that a loop that is killed at any moment and started
// again goes on from what is there.
//
// Whoever carries a decision out takes its actions in order. Right before each, it looks at the cluster again
// and asks [Action.Unmet] whether the action is still right; if not, or if the action fails, it plans again.
// It is finished when a decision is [Decision.Done].
//
// # The rules
//
// Every condition of an action belongs to one of eight rules, see [Rule]. They hold for all scopes: for a
// node that starts or stops, for the membership of one node, for the formation of the cluster, and for a
// deployment as a whole.
//
// Unknown is not zero. What could not be looked at is unknown, and a condition over something unknown does
// not hold.
package plan
