package scenario

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault"
	"warren/verify/history"
	"warren/verify/schedule"
)

// Plan is a plan of faults that overlap, and how each of them is injected.
type Plan struct {
	schedule.Plan
	// Find returns how the fault of a name is injected; nil stands for fault.FindAtOnce.
	Find func(name string) (fault.Overlapping, error)
}

// Overlapping is the scenario of a plan drawn for a cluster: the faults that it can have, at most so many
// nodes impaired at once. The same seed and cluster give the same plan.
func Overlapping(c *cluster.Cluster, most int, length time.Duration, seed uint64) (Scenario, error) {
	var kinds []schedule.Kind
	for _, f := range fault.AtOnce() {
		if f.Available(c) == nil {
			kinds = append(kinds, f.Kind)
		}
	}
	var nodes []string
	for _, node := range c.Nodes() {
		nodes = append(nodes, node.Name)
	}
	if most < 0 || most > len(nodes) {
		return Scenario{}, fmt.Errorf("at most %d nodes impaired at once: the stack has %d", most, len(nodes))
	}
	plan := schedule.Draw(kinds, nodes, most, length, seed)
	if len(plan) == 0 {
		return Scenario{}, fmt.Errorf("%s is too short for a fault", length)
	}
	return Planned(fmt.Sprintf("overlap-%d", seed), plan), nil
}

// Planned is the scenario of a plan.
func Planned(name string, plan schedule.Plan) Scenario {
	return Scenario{
		Name:        name,
		Description: fmt.Sprintf("%d faults that overlap: %s.", len(plan), plan),
		Plan:        &Plan{Plan: plan},
	}
}

// overlap plays a plan: each fault begins and ends at its time, whatever the others do.
func (p *play) overlap(ctx context.Context, target fault.Target) error {
	p.phase("overlap")
	o := overlap{play: p, began: time.Now(), target: target}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, entry := range p.scenario.Plan.Plan {
		o.running.Go(func() {
			if err := o.entry(ctx, entry); err != nil {
				o.mu.Lock()
				o.failures = append(o.failures, err)
				o.mu.Unlock()
				cancel(err) // the others heal as well
			}
		})
	}
	o.running.Wait()
	err := errors.Join(o.failures...)
	if err == nil && o.effective == 0 {
		err = errors.New("none of the faults took effect")
	}
	if err != nil { // nobody knows what is left
		p.phase("heal")
		heal, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.Limits.Heal)
		defer cancel()
		return errors.Join(err, p.Rig.HealAll(heal))
	}
	return p.recover(ctx, "the faults")
}

// overlap is a plan being played.
type overlap struct {
	*play
	began   time.Time
	target  fault.Target
	running sync.WaitGroup

	mu        sync.Mutex
	inUse     map[string]chan struct{} // by what faults use for themselves; holds one element while in use
	failures  []error
	effective int // how many faults took effect
}

// entry plays one fault of the plan. One that does not take effect is told, and no failure: another fault may
// be in its way, such as a node that is down.
func (o *overlap) entry(ctx context.Context, entry schedule.Entry) (err error) {
	find := fault.FindAtOnce
	if o.scenario.Plan.Find != nil {
		find = o.scenario.Plan.Find
	}
	f, err := find(entry.Fault)
	if err != nil {
		return err
	}
	name := entry.Fault
	var node topology.NodeOutput
	if entry.Node != "" {
		name += " " + entry.Node
		if node, err = o.Cluster.Node(entry.Node); err != nil {
			return err
		}
	}
	if wait.Sleep(ctx, time.Until(o.began.Add(entry.From))) != nil {
		return nil // somebody else says why
	}
	// A plan knows when a fault is to be healed, not how long that takes.
	for _, what := range []string{f.Group, entry.Node} { // always in this order
		if what == "" {
			continue
		}
		release, err := o.reserve(ctx, what)
		if err != nil {
			return nil // somebody else says why
		}
		defer release()
	}
	inject, cancel := context.WithTimeout(ctx, o.Limits.Inject)
	defer cancel()
	window := o.recorder.FaultBegins(name)
	injection, err := f.Inject(inject, o.Cluster, node)
	if err != nil {
		window.Healed() // by Inject
		o.tell(name, "did not take effect: "+err.Error())
		return nil
	}
	window.Injected()
	o.tell(name, injection.String())
	o.mu.Lock()
	o.effective++
	o.mu.Unlock()

	_ = wait.Sleep(ctx, time.Until(o.began.Add(entry.To))) // an interrupt heals
	window.Healing()
	heal, cancelHeal := context.WithTimeout(context.WithoutCancel(ctx), o.Limits.Heal)
	defer cancelHeal()
	if err := injection.Heal(heal); err != nil {
		return fmt.Errorf("heal %s: %w", name, err)
	}
	window.Healed()
	o.recorder.Event(history.Fault, name, "healed")
	return nil
}

// reserve waits until no other fault uses something, and returns what gives it back.
func (o *overlap) reserve(ctx context.Context, what string) (release func(), err error) {
	o.mu.Lock()
	if o.inUse == nil {
		o.inUse = map[string]chan struct{}{}
	}
	if o.inUse[what] == nil {
		o.inUse[what] = make(chan struct{}, 1)
	}
	use := o.inUse[what]
	o.mu.Unlock()
	select {
	case use <- struct{}{}:
		return func() { <-use }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// tell puts what became of a fault into the history and the report.
func (o *overlap) tell(name, text string) {
	o.recorder.Event(history.Fault, name, text)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.result.Injected = append(o.result.Injected, name+": "+text)
}
