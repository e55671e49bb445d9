package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/operate/prometheus"
	"warren/verify/checker"
	"warren/verify/fault"
	"warren/verify/history"
	"warren/verify/report"
)

// Limits are the times that a scenario takes and may take.
type Limits struct {
	// Healthy bounds how long the cluster may take to become fully healthy, before and after a fault. It is
	// for one that changes for ever: a cluster that does not change is given up by its rig.
	Healthy time.Duration
	// Flow bounds how long traffic may take to flow over every path.
	Flow time.Duration
	// WarmUp and CoolDown are how long traffic runs undisturbed before the first fault and after the recovery.
	WarmUp, CoolDown time.Duration
	// Inject and Heal bound those steps. Faults that are a long action, such as a rolling restart, happen
	// within Inject, and bound each of their own steps.
	Inject, Heal time.Duration
	// Clear bounds how long deleting the scenario's queues may take.
	Clear time.Duration
	// Settle bounds how long producers wait for the outcome of what they published, once they have stopped.
	Settle time.Duration
	// Patience is how long a drain waits for the next message before it gives up on those that are missing.
	// RabbitMQ holds what it has sent to a consumer until it notices that the connection is dead, which takes it
	// several heartbeats.
	Patience time.Duration
}

// DefaultLimits suit a cluster on one machine.
func DefaultLimits() Limits {
	return Limits{
		Healthy:  20 * time.Minute,
		Flow:     2 * time.Minute,
		WarmUp:   3 * time.Second,
		CoolDown: 2 * time.Second,
		Inject:   30 * time.Minute,
		Heal:     15 * time.Minute,
		Clear:    5 * time.Minute,
		Settle:   40 * time.Second,
		Patience: 2 * time.Minute,
	}
}

// Runner plays scenarios against one cluster.
type Runner struct {
	Cluster *cluster.Cluster
	Rig     Rig
	Limits  Limits
	// Progress is told of every step and, while traffic runs, of its counts. It may be nil.
	Progress func(Progress)
	// Alerts returns the series of alarm.Query between two times. It is nil if the stack has no Prometheus.
	Alerts func(ctx context.Context, from, to time.Time) ([]prometheus.Series, error)
	// MustAlert holds faults until their alerts are due, and fails a scenario in which one did not fire.
	MustAlert bool
}

// Rig is what a scenario needs of the world.
type Rig interface {
	// WaitHealthy waits until nothing is wrong with the cluster; the error says what still is.
	WaitHealthy(ctx context.Context) error
	// LyingDisks puts the nodes on disks that can be told to lie, if they are not on such disks yet. HealAll
	// undoes it.
	LyingDisks(ctx context.Context) error
	// Prepare creates the queues for a scenario, and Clear deletes them. The target is that which most traffic
	// uses.
	Prepare(ctx context.Context, scenario string) (fault.Target, error)
	Clear(ctx context.Context, target fault.Target) error
	// Paths are the names of the paths that traffic takes.
	Paths() []string
	// Start starts traffic through the queue.
	Start(target fault.Target, recorder *history.Recorder) (Flow, error)
	// HealAll heals whatever faults are in the cluster, whoever put them there.
	HealAll(ctx context.Context) error
	// Logs returns what the cluster's containers logged between two instants.
	Logs(ctx context.Context, since, until time.Time) []report.Log
}

// Flow is running traffic.
type Flow interface {
	Ready(ctx context.Context) error
	StopProducers(ctx context.Context) error
	Drain(ctx context.Context, patience time.Duration) (missing int, err error)
	Close(ctx context.Context) error
}

// Play plays a scenario. Whatever happens, the cluster is left without faults, as far as that can be done; an
// interrupt (the end of ctx) heals first. What went wrong is in the result, and so in the report.
func (r Runner) Play(ctx context.Context, s Scenario) (report.Scenario, history.History) {
	result := report.Scenario{Name: s.Name, Description: s.Description, Promise: s.promise(),
		Started: time.Now()}
	for _, step := range s.Steps {
		if reason := step.Fault.Available(r.Cluster); reason != nil {
			result.Skipped = reason.Error()
			return result, history.History{}
		}
	}

	p := &play{Runner: r, scenario: s, recorder: history.NewRecorder(s.Name, r.Rig.Paths()...), result: &result}
	if err := p.run(ctx); err != nil {
		if interrupted(ctx) {
			err = fmt.Errorf("interrupted: %w", err)
		}
		result.Error = err.Error()
	}

	h := p.recorder.History()
	result.Took = time.Since(result.Started)
	result.Verdict = checker.Check(h, s.promises())
	r.judgeAlerts(ctx, s, h, &result)
	result.Events = h.Events
	result.Chart = report.NewChart(h, result.Verdict)
	logs, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	result.Logs = r.Rig.Logs(logs, result.Started, time.Now())
	return result, h
}

// play is one scenario being played.
type play struct {
	Runner
	scenario Scenario
	recorder *history.Recorder
	result   *report.Scenario
	current  progressState
}

// run is the scenario from one healthy moment to the next. The phases are the rows of the plot.
func (p *play) run(ctx context.Context) (err error) {
	defer p.tick()()
	if p.scenario.lyingDisks() {
		p.phase("disks")
		if err := wait.AtMost(ctx, p.Limits.Inject, p.Rig.LyingDisks); err != nil {
			return fmt.Errorf("put the nodes on lying disks: %w", err)
		}
	}
	p.phase("check")
	if err := p.waitHealthy(ctx); err != nil {
		return fmt.Errorf("the cluster was not healthy before the fault: %w", err)
	}
	target, err := p.Rig.Prepare(ctx, p.scenario.Name)
	if err != nil {
		return fmt.Errorf("prepare the queue: %w", err)
	}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.Limits.Clear)
		defer cancel()
		err = errors.Join(err, p.Rig.Clear(clean, target))
	}()

	p.phase("connect")
	flow, err := p.Rig.Start(target, p.recorder)
	if err != nil {
		return fmt.Errorf("start traffic: %w", err)
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.Limits.Settle)
		defer cancel()
		err = errors.Join(err, flow.Close(end))
	}()
	if err := wait.AtMost(ctx, p.Limits.Flow, flow.Ready); err != nil {
		return err
	}
	p.recorder.TrafficStarts()
	defer p.recorder.TrafficStops() // in case of an interrupt; finish says so earlier
	err = p.judged(ctx, target)
	if ctx.Err() != nil {
		return err
	}
	return errors.Join(err, p.finish(ctx, flow))
}

// judged is the part of the scenario that is judged: undisturbed traffic, the faults, undisturbed traffic.
func (p *play) judged(ctx context.Context, target fault.Target) error {
	p.phase("warm-up")
	if err := wait.Sleep(ctx, p.Limits.WarmUp); err != nil {
		return err
	}
	if p.scenario.Plan != nil {
		if err := p.overlap(ctx, target); err != nil {
			return err
		}
	}
	for _, step := range p.scenario.Steps {
		if err := p.step(ctx, step, target); err != nil {
			return err
		}
	}
	p.phase("cool-down")
	return wait.Sleep(ctx, p.Limits.CoolDown)
}

// step injects one fault, holds it, heals it, and waits until the cluster has recovered.
func (p *play) step(ctx context.Context, step Step, target fault.Target) error {
	if err := wait.Sleep(ctx, step.Pause); err != nil {
		return err
	}
	if err := p.inflict(ctx, step, target); err != nil {
		return err
	}
	return p.recover(ctx, step.Fault.Name)
}

// recover waits until the cluster has recovered from what was healed.
func (p *play) recover(ctx context.Context, from string) error {
	p.phase("recover")
	healed := time.Now()
	if err := p.waitHealthy(ctx); err != nil {
		return fmt.Errorf("the cluster did not recover from %s: %w", from, err)
	}
	p.result.Recovery = max(p.result.Recovery, time.Since(healed))
	return nil
}

// inflict injects one fault, holds it and heals it. It heals on every way out, a panic included.
func (p *play) inflict(ctx context.Context, step Step, target fault.Target) (err error) {
	name := step.Fault.Name
	p.phase("inject")
	window := p.recorder.FaultBegins(name)
	inject, cancel := context.WithTimeout(ctx, p.Limits.Inject)
	defer cancel()
	injection, err := step.Fault.Inject(inject, p.Cluster, target)

	defer func() {
		p.phase("heal")
		window.Healing()
		heal, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.Limits.Heal)
		defer cancel()
		var failure error
		if injection != nil {
			failure = injection.Heal(heal)
		}
		if late, ok := injection.(aftermath); ok && late.Aftermath() != "" {
			p.recorder.Event(history.Fault, name, late.Aftermath())
			p.result.Injected = append(p.result.Injected, late.Aftermath())
		}
		if err != nil || failure != nil { // nobody knows what is left of it
			failure = errors.Join(failure, p.Rig.HealAll(heal))
		}
		if failure != nil {
			err = errors.Join(err, fmt.Errorf("heal %s: %w", name, failure))
			return
		}
		window.Healed()
		p.recorder.Event(history.Fault, name, "healed")
	}()

	if err != nil {
		return fmt.Errorf("inject %s: %w", name, err)
	}
	window.Injected()
	p.recorder.Event(history.Fault, name, injection.String())
	p.result.Injected = append(p.result.Injected, injection.String())

	p.phase("hold")
	return wait.Sleep(ctx, p.hold(step))
}

// aftermath is an injection that knows, once it was healed, what that took.
type aftermath interface{ Aftermath() string }

// finish stops the producers and collects what is still in the queue.
func (p *play) finish(ctx context.Context, flow Flow) error {
	p.phase("drain")
	p.recorder.TrafficStops()
	if err := wait.AtMost(ctx, p.Limits.Settle, flow.StopProducers); err != nil {
		return fmt.Errorf("stop producers: %w", err)
	}
	missing, err := flow.Drain(ctx, p.Limits.Patience)
	if err != nil {
		return err
	}
	if missing > 0 {
		p.recorder.Event(history.Note, "drain", fmt.Sprintf(
			"given up: %d confirmed messages were not delivered, and nothing has arrived for %s", missing,
			p.Limits.Patience))
	}
	p.recorder.Drained()
	p.phase("end")
	return nil
}

// phase records that a part of the scenario begins.
func (p *play) phase(name string) {
	p.recorder.Event(history.Phase, "", name)
	p.begin(name)
}

func (p *play) waitHealthy(ctx context.Context) error {
	return wait.AtMost(ctx, p.Limits.Healthy, p.Rig.WaitHealthy)
}
