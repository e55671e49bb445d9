// Package watch looks at a cluster for those who watch it: at what RabbitMQ's own metrics, which are added up
// over all queues, do not tell.
package watch

import (
	"context"
	"crypto/x509"
	"time"

	"warren/agent/peer"
	"warren/agent/rabbit"
	"warren/internal/wait"
	"warren/topology"
)

const (
	// lookInterval is between two looks, if they take little.
	lookInterval = 15 * time.Second
	// pauseForLook bounds the share of time that looking takes, so that nodes with many queues are asked less
	// often. When something is wrong, it matters more to notice how that goes on.
	pauseForLook, pauseWhenWrong = 50, 5
)

// pause is how long to wait after a look, by how long that took and whether it saw something wrong.
func pause(looked time.Duration, wrong bool) time.Duration {
	if wrong {
		return max(lookInterval, pauseWhenWrong*looked)
	}
	return max(lookInterval, pauseForLook*looked)
}

// RabbitMQ is what is asked; [rabbit.Client] answers.
type RabbitMQ interface {
	// VHosts lists the virtual hosts, and lets the agent's user see what is in all of them.
	VHosts(ctx context.Context, node string) ([]string, error)
	QueuesOf(ctx context.Context, node string) ([]rabbit.QueueInfo, error)
	Certificates(ctx context.Context, host string, port int) ([]*x509.Certificate, error)
}

// Watch looks at the cluster of some nodes, again and again, and puts up what it sees until ctx ends. What it
// can't see it does not put up: unknown is not zero.
func Watch(ctx context.Context, r RabbitMQ, nodes []string, put func([]peer.Gauge)) {
	for ctx.Err() == nil {
		start := time.Now()
		gauges, wrong := look(ctx, r, nodes, start)
		if ctx.Err() != nil {
			return
		}
		put(gauges)
		_ = wait.Sleep(ctx, pause(time.Since(start), wrong)) // the loop sees that ctx has ended
	}
}

// look looks once, and tells whether something is wrong with the queues.
func look(ctx context.Context, r RabbitMQ, nodes []string, now time.Time) (gauges []peer.Gauge, wrong bool) {
	c, known := lookAtQueues(ctx, r, nodes)
	if known {
		gauges = queueGauges(c, now)
	}
	return append(gauges, lookAtCertificates(ctx, r, nodes)...), c != (queues{})
}

// lookAtQueues counts what is wrong with the queues. If a node sees something wrong, the others are asked
// too, and the one that sees most counts.
func lookAtQueues(ctx context.Context, r RabbitMQ, nodes []string) (best queues, known bool) {
	for _, node := range nodes {
		if _, err := r.VHosts(ctx, node); err != nil {
			continue
		}
		infos, err := r.QueuesOf(ctx, node)
		if err != nil {
			continue
		}
		if c := count(infos, len(nodes)); !known || c.better(best) {
			best, known = c, true
		}
		if best.withoutLeader+best.down == 0 {
			break
		}
	}
	return best, known
}

func queueGauges(c queues, now time.Time) []peer.Gauge {
	return []peer.Gauge{
		{Name: "warren_queues_without_leader", Value: float64(c.withoutLeader),
			Help: "Quorum queues and streams of whose replicas no majority takes part."},
		{Name: "warren_queues_down", Value: float64(c.down), Help: "Classic queues that do not run."},
		{Name: "warren_queues_lacking_replicas", Value: float64(c.lackReplicas),
			Help: "Quorum queues and streams with fewer replicas than they were declared with."},
		{Name: "warren_queues_with_offline_replicas", Value: float64(c.replicasOffline),
			Help: "Quorum queues and streams that have a leader, and replicas that do not take part."},
		{Name: "warren_queues_seen_seconds", Value: float64(now.Unix()),
			Help: "When the queues were looked at."},
	}
}

// lookAtCertificates looks at the certificates of nodes and load balancer. Without TLS nothing listens there.
func lookAtCertificates(ctx context.Context, r RabbitMQ, nodes []string) []peer.Gauge {
	var gauges []peer.Gauge
	at := func(host string, port int) {
		presented, err := r.Certificates(ctx, host, port)
		if err != nil || len(presented) == 0 {
			return
		}
		ends := presented[0].NotAfter
		for _, c := range presented {
			if c.NotAfter.Before(ends) {
				ends = c.NotAfter
			}
		}
		gauges = append(gauges, peer.Gauge{
			Name: "warren_certificate_ends_seconds", Label: "host", LabelValue: host, Value: float64(ends.Unix()),
			Help: "When the certificate that a host presents ends, or one between it and the authority's.",
		})
	}
	for _, node := range nodes {
		at(rabbit.Host(node), topology.AMQPTLSPort)
	}
	at(topology.LoadBalancerHost, topology.ManagementTLSPort)
	return gauges
}
