package suite

import (
	"warren/bench/compare"
	"warren/bench/crew"

	"regexp"
	"time"

	"warren/verify/history"
	"warren/verify/report"
)

// The parts of an outage, by the log of the nodes: until a node that follows notices that the leader is gone,
// until there is a new one, and from there until the client, on either path, sees the next confirm.
var (
	partDetection = compare.Metric{Name: "until noticed", Unit: compare.Seconds}
	partElection  = compare.Metric{Name: "then until elected", Unit: compare.Seconds}
	partAnyNode   = compare.Metric{Name: "then until confirmed, any node", Unit: compare.Seconds}
	partBalanced  = compare.Metric{Name: "then until confirmed, load balancer", Unit: compare.Seconds}
)

var breakdownMetrics = []compare.Metric{partDetection, partElection, partAnyNode, partBalanced}

// raftEvent matches what a node logs of a queue's Raft group: when, of which queue, what.
var raftEvent = regexp.MustCompile(
	`(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+[+-]\d\d:\d\d) \[\w+\] <[^>]*> queue '([^']*)' in vhost '[^']*': (Leader monitor down|.* -> leader in term)`)

const raftTime = "2006-01-02 15:04:05.999999-07:00"

// account tells where the time of a crew's outage went. It is empty if the logs don't tell, or tell of no
// election.
func breakdown(h history.History, logs []report.Log, c crew.Crew, queue string) map[string]float64 {
	if len(h.Faults) == 0 {
		return nil
	}
	begun := h.Faults[0].Begun
	var noticed, elected time.Duration
	for _, log := range logs {
		for _, match := range raftEvent.FindAllStringSubmatch(log.Text, -1) {
			instant, err := time.Parse(raftTime, match[1])
			at := instant.Sub(h.Started)
			if err != nil || match[2] != queue || at < begun {
				continue
			}
			if match[3] == "Leader monitor down" {
				noticed = earlier(noticed, at)
			} else {
				elected = earlier(elected, at)
			}
		}
	}
	if noticed == 0 || elected < noticed {
		return nil
	}
	parts := map[string]float64{partElection.Name: (elected - noticed).Seconds()}
	if last, next := around(h, c.Path(history.AnyNode), elected); next > 0 {
		parts[partDetection.Name] = max(0, (noticed - last).Seconds())
		parts[partAnyNode.Name] = (next - elected).Seconds()
	}
	if _, next := around(h, c.Path(history.LoadBalancer), elected); next > 0 {
		parts[partBalanced.Name] = (next - elected).Seconds()
	}
	return parts
}

// around is when the last message was confirmed on a path before a moment, and the first after it; 0 if none
// was.
func around(h history.History, path string, moment time.Duration) (last, next time.Duration) {
	for _, p := range h.Publishes {
		switch {
		case p.Path != path || p.Outcome != history.Confirmed:
		case p.Done <= moment:
			last = max(last, p.Done)
		default:
			next = earlier(next, p.Done)
		}
	}
	return last, next
}

// earlier is the earlier of two moments, of which the first may not be known (0).
func earlier(a, b time.Duration) time.Duration {
	if a == 0 || b < a {
		return b
	}
	return a
}
