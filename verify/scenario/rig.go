package scenario

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/verify/fault"
	"warren/verify/history"
	"warren/verify/hostfault"
	"warren/verify/report"
	"warren/verify/traffic"
)

// queuePrefix marks the queues of scenarios, so that those of a run that was killed are found and deleted.
const queuePrefix = "warren-verify-"

// storedSuffix marks the queue of a scenario that nobody consumes until the end.
const storedSuffix = "-stored"

// ClusterRig plays scenarios on a running cluster.
type ClusterRig struct {
	Cluster *cluster.Cluster
	// Queue is the kind of queue that carries the traffic; every scenario gets one of its own, whatever its
	// Name here.
	Queue traffic.Queue
	// Traffic is what runs through it; its queues are set for every scenario.
	Traffic traffic.Config
}

var _ Rig = ClusterRig{}

// recoveryStall is how long the same may be wrong with the cluster before it counts as not recovering. The
// boot of a node shows as one problem for its whole length, which was 46 s on a slow machine under traffic.
const recoveryStall = 5 * time.Minute

// WaitHealthy implements Rig.
func (r ClusterRig) WaitHealthy(ctx context.Context) error {
	return health.WaitRecovered(ctx, r.Cluster, recoveryStall)
}

// HealAll implements Rig.
func (r ClusterRig) HealAll(ctx context.Context) error {
	// The hosts first: what is on one without power can't be healed.
	if err := hostfault.HealAll(ctx, r.Cluster); err != nil {
		return err
	}
	return fault.HealAll(ctx, r.Cluster)
}

// LyingDisks implements Rig.
func (r ClusterRig) LyingDisks(ctx context.Context) error {
	return fault.PutOnLyingDisks(ctx, r.Cluster)
}

// Paths implements Rig.
func (r ClusterRig) Paths() []string { return traffic.Names(r.Traffic.Paths) }

// Prepare implements Rig. It creates a queue for the traffic and one for the messages that are stored.
func (r ClusterRig) Prepare(ctx context.Context, scenario string) (fault.Target, error) {
	target := fault.Target{
		VHost: traffic.VHost,
		Queue: fmt.Sprintf("%s%s-%d", queuePrefix, scenario, time.Now().Unix()),
	}
	err := r.persistently(ctx, func(ctx context.Context) error {
		if err := r.queue(target.Queue).Declare(ctx, r.Cluster); err != nil {
			return err
		}
		return r.queue(target.Queue+storedSuffix).Declare(ctx, r.Cluster)
	})
	return target, err
}

// Clear implements Rig.
func (r ClusterRig) Clear(ctx context.Context, target fault.Target) error {
	return r.persistently(ctx, func(ctx context.Context) error {
		return errors.Join(r.queue(target.Queue).Delete(ctx, r.Cluster),
			r.queue(target.Queue+storedSuffix).Delete(ctx, r.Cluster))
	})
}

// persistently tries again: a management API that is busy, or was just started, may not answer in time.
func (r ClusterRig) persistently(ctx context.Context, do func(context.Context) error) error {
	const stall, interval = 2 * time.Minute, time.Second
	return wait.Progress(ctx, stall, interval, "an answer of the management API", do)
}

func (r ClusterRig) queue(name string) traffic.Queue {
	q := r.Queue
	q.Name = name
	return q
}

// Sweep deletes the queues of scenarios that could not do it themselves.
func (r ClusterRig) Sweep(ctx context.Context) error {
	return r.persistently(ctx, func(ctx context.Context) error {
		return traffic.Sweep(ctx, r.Cluster, queuePrefix)
	})
}

// Start implements Rig.
func (r ClusterRig) Start(target fault.Target, recorder *history.Recorder) (Flow, error) {
	config := r.Traffic
	config.Queue = target.Queue
	config.Stored = traffic.Stored{Queue: target.Queue + storedSuffix, Endpoints: r.Cluster.Outputs().AMQPURLs}
	config.TLS = r.Cluster.TLS()
	return traffic.Start(config, recorder)
}

// maxLog is how much of a container's log goes into the report, in bytes; of a longer one, its beginning and
// its end.
const maxLog = 48 << 10

// Logs implements Rig. A log that cannot be read is replaced by the reason. Passwords are blotted out, should
// one ever get into a log.
func (r ClusterRig) Logs(ctx context.Context, since, until time.Time) []report.Log {
	outputs := r.Cluster.Outputs()
	names := make([]string, 0, len(outputs.Nodes)+1)
	for _, node := range outputs.Nodes {
		names = append(names, node.Container)
	}
	names = append(names, outputs.LoadBalancer.Container)

	var logs []report.Log
	for _, name := range names {
		text, err := r.Cluster.Logs(ctx, name, since, until)
		if err != nil {
			text = err.Error() + "\n"
		}
		for _, secret := range []string{outputs.Password, outputs.StatsPassword} {
			if secret != "" {
				text = strings.ReplaceAll(text, secret, "[redacted]")
			}
		}
		logs = append(logs, report.Log{Container: name, Text: shorten(text, maxLog)})
	}
	return logs
}

// shorten leaves out the middle of a text that is longer than limit, by whole lines.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	head, tail := text[:limit/2], text[len(text)-limit/2:]
	head = head[:strings.LastIndexByte(head, '\n')+1]
	tail = tail[strings.IndexByte(tail, '\n')+1:]
	return fmt.Sprintf("%s[... %d bytes left out ...]\n%s", head, len(text)-len(head)-len(tail), tail)
}
