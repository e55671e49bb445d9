package monitoring

import (
	"fmt"
	"strings"

	"warren/topology/meaning"
)

// Totals over all nodes and protocols. With metrics that are aggregated on the node, they cost the same for
// one queue and for ten thousand.
const (
	publishedForConfirm = `sum(rate(rabbitmq_global_messages_received_confirm_total{job="rabbitmq"}[20s]))`
	confirmed           = `sum(rate(rabbitmq_global_messages_confirmed_total{job="rabbitmq"}[20s]))`
	ready               = `sum(rabbitmq_queue_messages_ready{job="rabbitmq"})`
	unacknowledged      = `sum(rabbitmq_queue_messages_unacked{job="rabbitmq"})`
	consumers           = `sum(rabbitmq_global_consumers{job="rabbitmq"})`
)

func queueRules(s Stack) []Rule {
	return []Rule{
		{
			Name:     "NothingConfirmed",
			Expr:     publishedForConfirm + ` > 0 and ` + confirmed + ` == 0`,
			For:      soon,
			Severity: Critical,
			Summary:  "{{ $value | humanize }} messages a second are published, and none is confirmed.",
			Means: "Publishers wait for confirms that do not come. Their queues have no majority, or an " +
				"alarm blocks them. What is not confirmed is not stored.",
			Fix: []string{s.doctor()},
		},
		{
			Name:     "QueueWithoutLeader",
			Expr:     `warren_queues_without_leader{job="warren"} > 0`,
			For:      twoLooks,
			Severity: Critical,
			Summary:  "{{ $value }} queues have no leader.",
			Means:    meaning.QueueNoLeader,
			Fix:      []string{s.doctor()},
		},
		{
			Name:     "QueueDown",
			Expr:     `warren_queues_down{job="warren"} > 0`,
			For:      afterRestart,
			Severity: Critical,
			Summary:  "{{ $value }} classic queues do not run.",
			Means:    meaning.QueueDown,
			Fix:      []string{s.doctor()},
		},
		{
			Name:     "TooFewReplicas",
			Expr:     `warren_queues_lacking_replicas{job="warren"} > 0`,
			For:      afterRestart,
			Severity: Warning,
			Summary:  "{{ $value }} queues have fewer replicas than they were declared with.",
			Means:    meaning.TooFewReplicas,
			Fix:      []string{s.doctor()},
		},
		{
			// While a node is away, so are its replicas, and NodeDown tells of it.
			Name: "ReplicasOffline",
			Expr: fmt.Sprintf(`warren_queues_with_offline_replicas{job="warren"} > 0 and on () %s == %d`,
				answering, len(s.Nodes)),
			For:      afterRestart,
			Severity: Warning,
			Summary:  "All nodes run, and {{ $value }} queues have replicas that do not take part.",
			Means:    meaning.ReplicaOffline,
			Fix:      []string{s.doctor()},
		},
		{
			Name:     "ConsumersGone",
			Expr:     consumers + ` == 0 and ` + ready + ` > 0 and max_over_time((` + consumers + `)[30m:1m]) > 0`,
			For:      lasting,
			Severity: Warning,
			Summary:  "Messages wait, and no queue has a consumer any more.",
			Means:    "All consumers have left. Messages stay in their queues until some come back.",
			Fix:      []string{"warren status --queues --stack " + s.Name},
		},
		{
			Name: "UnacknowledgedGrows",
			Expr: unacknowledged + ` > 1000 and ` + unacknowledged + ` > 1.5 * (` +
				`sum(rabbitmq_queue_messages_unacked{job="rabbitmq"} offset 10m))`,
			For:      lasting,
			Severity: Warning,
			Summary:  "{{ $value | humanize }} messages are delivered and not acknowledged, and they become more.",
			Means: "Consumers take messages and do not finish them. The messages stay in memory and on disk, " +
				"and are delivered once more when their consumers' connections end.",
			Fix: []string{"warren status --queues --stack " + s.Name},
		},
		{
			Name: "DeadLetters",
			Expr: deadLettered("rejected", "expired", "maxlen", "delivery_limit") + ` > 0`,
			For:  atOnce, Severity: Warning,
			Summary: "{{ $value | humanize }} messages were dead-lettered or dropped in the last five minutes.",
			Means: "Messages were rejected, expired, were delivered too often, or found their queue full. A queue " +
				"without a dead-letter exchange has dropped them.",
			Fix: []string{"warren status --queues --stack " + s.Name},
		},
		{
			// A node counts the queues that it leads.
			Name: "LeadersNotSpread",
			Expr: `rabbitmq_queues{job="rabbitmq"} > 5 + 2 * scalar(avg(rabbitmq_queues{job="rabbitmq"}))`,
			For:  lasting, Severity: Warning,
			Summary: "Node {{ $labels.node }} leads {{ $value }} queues, more than twice its share.",
			Means:   meaning.LeadersNotSpread,
			Fix:     []string{"docker exec {{ $labels.container }} rabbitmq-queues rebalance quorum"},
		},
	}
}

// deadLettered counts the messages of the last five minutes that were dead-lettered or dropped, for some
// reasons. Each reason has a metric, which not every series has. They are added up one by one, because the
// rates of several metrics would have the same labels.
func deadLettered(reasons ...string) string {
	sums := make([]string, len(reasons))
	for i, reason := range reasons {
		metric := `rabbitmq_global_messages_dead_lettered_` + reason + `_total{job="rabbitmq"}`
		sums[i] = `(sum(increase(` + metric + `[5m])) or vector(0))`
	}
	return strings.Join(sums, " + ")
}
