package suite

import (
	"warren/bench/crew"
	"warren/bench/lab"

	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
	"warren/verify/fault"
	"warren/verify/history"
	"warren/verify/report"
	"warren/verify/scenario"
	"warren/verify/traffic"
)

// rig plays scenarios with several crews at once.
type rig struct {
	cluster *cluster.Cluster
	// sound clusters become healthy again by the standards of package health.
	sound bool
	crews []crew.Crew
	// target is the beginning of the names of the scenario's queues, and running are its clients.
	target  string
	running *flows
}

var _ scenario.Rig = (*rig)(nil)

// WaitHealthy implements scenario.Rig.
func (r *rig) WaitHealthy(ctx context.Context) error {
	if r.target == "" { // what a run that was killed left behind may be broken
		if err := lab.Patiently(ctx, func(ctx context.Context) error {
			return traffic.Sweep(ctx, r.cluster, queuePrefix)
		}); err != nil {
			return err
		}
	}
	if r.sound {
		return health.WaitHealthy(ctx, r.cluster)
	}
	if err := lab.WaitRunning(ctx, r.cluster); err != nil {
		return err
	}
	return lab.WaitServing(ctx, r.cluster)
}

// HealAll implements scenario.Rig.
func (r *rig) HealAll(ctx context.Context) error { return fault.HealAll(ctx, r.cluster) }

// LyingDisks implements scenario.Rig.
func (r *rig) LyingDisks(ctx context.Context) error { return fault.PutOnLyingDisks(ctx, r.cluster) }

// Paths implements scenario.Rig.
func (r *rig) Paths() []string {
	var names []string
	for _, c := range r.crews {
		names = append(names, traffic.Names(c.Paths(r.cluster))...)
	}
	return names
}

// Logs implements scenario.Rig. They say where the time of an outage went; a log that can't be read says
// nothing.
func (r *rig) Logs(ctx context.Context, since, until time.Time) []report.Log {
	var logs []report.Log
	for _, node := range r.cluster.Nodes() {
		if text, err := r.cluster.Logs(ctx, node.Container, since, until); err == nil {
			logs = append(logs, report.Log{Container: node.Container, Text: text})
		}
	}
	return logs
}

// queuePrefix marks the queues of the benchmarks, so that those of a run that was killed are found and
// deleted.
const queuePrefix = lab.QueuePrefix

// Prepare implements scenario.Rig: a queue for every crew, all led by the same node, so that the fault
// befalls all.
func (r *rig) Prepare(ctx context.Context, name string) (fault.Target, error) {
	now := time.Now()
	nodes := discNodes(r.cluster)
	leader := nodes[int(now.Unix())%len(nodes)]
	r.target = fmt.Sprintf("%s%s-%d", queuePrefix, name, now.Unix())
	for _, c := range r.crews {
		if err := lab.DeclareQueue(ctx, r.queue(c, r.target, leader.NodeName), r.cluster); err != nil {
			return fault.Target{}, err
		}
	}
	return fault.Target{VHost: traffic.VHost, Queue: r.crews[0].Queue(r.target)}, nil
}

func (r *rig) queue(c crew.Crew, target, node string) traffic.Queue {
	return traffic.Queue{Name: c.Queue(target), Type: topology.QuorumQueue,
		Replicas: len(r.cluster.Nodes()), Node: node}
}

// discNodes are the nodes that the faults may strike: all but the RAM nodes.
func discNodes(c *cluster.Cluster) []topology.NodeOutput {
	return slices.DeleteFunc(slices.Clone(c.Nodes()), func(n topology.NodeOutput) bool {
		return n.Type == topology.RAM
	})
}

// Clear implements scenario.Rig.
func (r *rig) Clear(ctx context.Context, _ fault.Target) error {
	return lab.Patiently(ctx, func(ctx context.Context) error {
		return traffic.Sweep(ctx, r.cluster, queuePrefix)
	})
}

// Start implements scenario.Rig.
func (r *rig) Start(_ fault.Target, recorder *history.Recorder) (scenario.Flow, error) {
	ctx := context.Background()
	f := &flows{recorder: recorder}
	f.watching, f.stopWatching = context.WithCancel(ctx)
	for _, c := range r.crews {
		started, err := c.Start(ctx, c.Queue(r.target), c.Paths(r.cluster), recorder)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("start %s: %w", c.Name, err), f.Close(ctx))
		}
		f.all = append(f.all, started)
	}
	r.running = f
	return f, nil
}

// flows are the clients of all crews.
type flows struct {
	recorder *history.Recorder
	all      []crew.Running

	watching     context.Context
	stopWatching context.CancelFunc
	watchers     sync.WaitGroup
}

// Ready implements scenario.Flow.
func (f *flows) Ready(ctx context.Context) error {
	return wait.Until(ctx, 50*time.Millisecond, "traffic", func(context.Context) error {
		if silent := f.recorder.Silent(); len(silent) > 0 {
			return fmt.Errorf("traffic does not flow over %q", silent)
		}
		return nil
	})
}

// StopProducers implements scenario.Flow.
func (f *flows) StopProducers(ctx context.Context) error {
	return f.each(func(c crew.Running) error { return c.StopProducers(ctx) })
}

// Close implements scenario.Flow.
func (f *flows) Close(ctx context.Context) error {
	f.stopWatching()
	f.watchers.Wait()
	return f.each(func(c crew.Running) error { return c.Close(ctx) })
}

// each calls do for all crews at once.
func (f *flows) each(do func(crew.Running) error) error {
	problems := make([]error, len(f.all))
	var group sync.WaitGroup
	for i, c := range f.all {
		group.Go(func() { problems[i] = do(c) })
	}
	group.Wait()
	return errors.Join(problems...)
}

// Drain implements scenario.Flow.
func (f *flows) Drain(ctx context.Context, patience time.Duration) (missing int, err error) {
	_ = wait.Within(ctx, patience, 100*time.Millisecond, "every delivery", func(context.Context) error {
		if missing = f.recorder.Missing(); missing > 0 {
			return fmt.Errorf("%d messages are missing", missing)
		}
		return nil
	}) // what is missing is counted, not an error
	return missing, ctx.Err()
}

// The event that notes when the load balancer lets clients through again.
const servesAgain = "lets clients through again"

// inject is how a fault is injected.
type inject = func(context.Context, *cluster.Cluster, fault.Target) (fault.Injection, error)

// watched is an injection after which the load balancer is down, and notes when it is back.
func (r *rig) watched(do inject) inject {
	return func(ctx context.Context, c *cluster.Cluster, target fault.Target) (fault.Injection, error) {
		injection, err := do(ctx, c, target)
		if err == nil {
			f := r.running
			f.watchers.Go(func() {
				if firstGreeting(f.watching, c.BalancedAMQPAddress()) == nil {
					f.recorder.Event(history.Note, history.LoadBalancer, servesAgain)
				}
			})
		}
		return injection, err
	}
}

// servedAgain is when the load balancer let clients through again; 0 if that was not watched.
func servedAgain(h history.History) time.Duration {
	for _, e := range h.Events {
		if e.Text == servesAgain {
			return e.At
		}
	}
	return 0
}

// restartInTurn restarts one node after the other, each when all run again, of a cluster that is never
// healthy.
func restartInTurn(ctx context.Context, c *cluster.Cluster, _ fault.Target) (fault.Injection, error) {
	for _, node := range c.Nodes() {
		if err := c.Restart(ctx, node.Container, time.Minute); err != nil {
			return nil, err
		}
		if err := lab.WaitRunning(ctx, c); err != nil {
			return nil, fmt.Errorf("after the restart of %s: %w", node.Name, err)
		}
	}
	return restarted{}, nil
}

// restarted is a fault that is over.
type restarted struct{}

func (restarted) String() string             { return "restarted all nodes, one after the other" }
func (restarted) Heal(context.Context) error { return nil }
