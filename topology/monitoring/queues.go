package monitoring

import (
	"strings"
	"time"

	"warren/topology/meaning"
)

// jobQueues is what the readings of chosen queues are called.
const jobQueues = "rabbitmq-queues"

// queueInterval is between two readings of chosen queues. A node looks at all of its queues for it, which
// costs far more than the totals do.
const queueInterval = 15 * time.Second

// queueScrape reads chosen queues, each by itself. Nodes from 4.3 on answer with these only. Of what others
// answer, Prometheus keeps these only.
func (s Stack) queueScrape() scrapeConfig {
	chosen := "(?:" + strings.Join(s.Queues, ")|(?:") + ")"
	return scrapeConfig{
		Name: jobQueues, Interval: duration(queueInterval), Timeout: duration(queueInterval - time.Second),
		Path: "/metrics/detailed",
		Params: map[string][]string{
			"family": {"queue_coarse_metrics", "queue_consumer_count"}, "queue": {"^(?:" + chosen + ")$"},
		},
		Targets:  static("node", s.Nodes),
		Relabels: []relabel{{From: []string{"queue"}, Regex: chosen, Action: "keep"}},
	}
}

// queueMetric is a metric of chosen queues, each by itself.
func queueMetric(name string) string {
	return `sum by (vhost, queue) (rabbitmq_detailed_queue_` + name + `{job="` + jobQueues + `"})`
}

// chosenQueueRules are alerts about chosen queues.
func chosenQueueRules(s Stack) []Rule {
	if len(s.Queues) == 0 {
		return nil
	}
	return []Rule{{
		Name:     "NobodyConsumes",
		Expr:     queueMetric("consumers") + ` == 0 and ` + queueMetric("messages_ready") + ` > 0`,
		For:      lasting,
		Severity: Warning,
		Summary:  "Messages wait in queue {{ $labels.queue }} of {{ $labels.vhost }}, and nobody consumes them.",
		Means:    meaning.NobodyConsumes,
		Fix:      []string{"warren status --queues --stack " + s.Name},
	}}
}

// chosenQueuePanels are plots of chosen queues.
func chosenQueuePanels(s Stack) []Panel {
	if len(s.Queues) == 0 {
		return nil
	}
	const legend = "{{queue}} of {{vhost}}"
	return []Panel{
		{
			Title: "Messages in chosen queues", Help: "Those that warren:monitoring.queues names.", Unit: Count,
			Queries: []Query{{queueMetric("messages"), legend}},
		},
		{
			Title: "Consumers of chosen queues", Help: "A queue without any grows.", Unit: Count,
			Queries: []Query{{queueMetric("consumers"), legend}},
		},
	}
}
