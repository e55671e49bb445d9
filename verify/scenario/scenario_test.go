package scenario

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"warren/operate/cluster"
	"warren/verify/checker"
	"warren/verify/fault"
	"warren/verify/history"
	"warren/verify/report"
)

func TestMain(m *testing.M) {
	// Pulumi's SDK, which tests on a real cluster import, logs with glog, and that never ends.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"))
}

// fakeRig is a world in which messages flow as long as nothing is broken. It writes down what it was asked
// for.
type fakeRig struct {
	unhealthy error // what WaitHealthy says after the first time
	prepare   error
	healAll   error

	mu    sync.Mutex
	calls []string
	flow  *fakeFlow
}

func (r *fakeRig) call(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, name)
}

func (r *fakeRig) count(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := 0
	for _, c := range r.calls {
		if c == name {
			n++
		}
	}
	return n
}

func (r *fakeRig) WaitHealthy(context.Context) error {
	r.call("healthy")
	if r.count("healthy") > 1 {
		return r.unhealthy
	}
	return nil
}
func (r *fakeRig) Prepare(_ context.Context, name string) (fault.Target, error) {
	r.call("prepare")
	return fault.Target{VHost: "/", Queue: name}, r.prepare
}
func (r *fakeRig) Clear(context.Context, fault.Target) error { r.call("clear"); return nil }
func (r *fakeRig) LyingDisks(context.Context) error          { r.call("lying disks"); return nil }
func (r *fakeRig) HealAll(context.Context) error             { r.call("heal all"); return r.healAll }
func (r *fakeRig) Paths() []string                           { return []string{history.AnyNode} }
func (r *fakeRig) Logs(context.Context, time.Time, time.Time) []report.Log {
	return []report.Log{{Container: "rabbit1", Text: "a line\n"}}
}
func (r *fakeRig) Start(_ fault.Target, recorder *history.Recorder) (Flow, error) {
	r.flow = &fakeFlow{recorder: recorder, stop: make(chan struct{})}
	r.flow.running.Go(r.flow.run)
	return r.flow, nil
}

// fakeFlow publishes, confirms and delivers a message every millisecond.
type fakeFlow struct {
	recorder *history.Recorder
	stop     chan struct{}
	once     sync.Once
	running  sync.WaitGroup
}

func (f *fakeFlow) run() {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-f.stop:
			return
		case <-ticker.C:
			id := fmt.Sprint(n)
			f.recorder.Attempt("p", history.AnyNode, id).Done(history.Confirmed, nil)
			f.recorder.Delivered("c", history.AnyNode, id, false)
		}
	}
}
func (f *fakeFlow) Ready(context.Context) error { return nil }
func (f *fakeFlow) StopProducers(context.Context) error {
	f.once.Do(func() { close(f.stop) })
	f.running.Wait()
	return nil
}
func (f *fakeFlow) Drain(context.Context, time.Duration) (int, error) {
	return f.recorder.Missing(), nil
}
func (f *fakeFlow) Close(ctx context.Context) error { return f.StopProducers(ctx) }

// fakeInjection counts how often it was healed.
type fakeInjection struct {
	healed int
	err    error
}

func (i *fakeInjection) String() string             { return "broke it" }
func (i *fakeInjection) Heal(context.Context) error { i.healed++; return i.err }

func available(*cluster.Cluster) error { return nil }

func fakeFault(name string, injection *fakeInjection, err error) fault.Fault {
	return fault.Fault{Name: name, Description: "Breaks it.", Available: available,
		Inject: func(context.Context, *cluster.Cluster, fault.Target) (fault.Injection, error) {
			if err != nil {
				return nil, err
			}
			return injection, nil
		}}
}

func quick(rig Rig) Runner {
	limits := DefaultLimits()
	limits.WarmUp, limits.CoolDown = 30*time.Millisecond, 30*time.Millisecond
	return Runner{Rig: rig, Limits: limits}
}

const hold = 30 * time.Millisecond

func phasesOf(events []history.Event) []string {
	var names []string
	for _, e := range events {
		if e.Kind == history.Phase {
			names = append(names, e.Text)
		}
	}
	return names
}

func TestScenarioPlaysThroughItsPhases(t *testing.T) {
	rig, injection := &fakeRig{}, &fakeInjection{}
	result, h := quick(rig).Play(t.Context(), Single(fakeFault("broken", injection, nil), hold))

	assert.Equal(t, report.Passed, result.Status(), "%v", result.Failures())
	assert.Equal(t, []string{"check", "connect", "warm-up", "inject", "hold", "heal", "recover", "cool-down",
		"drain", "end"}, phasesOf(result.Events))
	assert.Equal(t, []string{"broke it"}, result.Injected)
	assert.Equal(t, 1, injection.healed)
	assert.Equal(t, []string{"healthy", "prepare", "healthy", "clear"}, rig.calls)
	require.Len(t, h.Faults, 1)
	assert.GreaterOrEqual(t, h.Faults[0].Healing-h.Faults[0].Injected, hold)
	assert.True(t, h.Drained)
	assert.NotNil(t, result.Chart)
	assert.NotEmpty(t, result.Logs)
	assert.Positive(t, result.Verdict.Acknowledged)
}

func TestFaultThatDoesNotTakeEffectFailsTheScenario(t *testing.T) {
	rig := &fakeRig{}
	result, _ := quick(rig).Play(t.Context(),
		Single(fakeFault("pair-cut", nil, errors.New("rabbit1 still reaches rabbit2")), hold))
	assert.Equal(t, report.Failed, result.Status())
	assert.Contains(t, result.Error, "inject pair-cut: rabbit1 still reaches rabbit2")
	assert.Equal(t, 1, rig.count("heal all"), "nobody knows what an injection that failed left behind")
	assert.Equal(t, 1, rig.count("clear"))
}

func TestFaultThatDoesNotHealFailsTheScenario(t *testing.T) {
	rig := &fakeRig{healAll: errors.New("still there")}
	result, h := quick(rig).Play(t.Context(),
		Single(fakeFault("broken", &fakeInjection{err: errors.New("cannot")}, nil), hold))
	assert.Equal(t, report.Failed, result.Status())
	assert.Contains(t, result.Error, "heal broken: cannot")
	assert.Contains(t, result.Error, "still there")
	assert.Zero(t, h.Faults[0].Healed)
}

func TestClusterThatDoesNotRecoverFailsTheScenario(t *testing.T) {
	rig := &fakeRig{unhealthy: errors.New("rabbit2 is not running")}
	result, h := quick(rig).Play(t.Context(), Single(fakeFault("broken", &fakeInjection{}, nil), hold))
	assert.Equal(t, report.Failed, result.Status())
	assert.Contains(t, result.Error, "did not recover from broken: rabbit2 is not running")
	assert.True(t, h.Drained, "what became of the messages is judged all the same")
}

func TestInterruptHealsFirst(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	rig, injection := &fakeRig{}, &fakeInjection{}
	f := fakeFault("broken", injection, nil)
	inject := f.Inject
	f.Inject = func(ctx context.Context, c *cluster.Cluster, target fault.Target) (fault.Injection, error) {
		defer interrupt()
		return inject(ctx, c, target)
	}
	start := time.Now()
	result, h := quick(rig).Play(ctx, Single(f, time.Hour))
	assert.Less(t, time.Since(start), 10*time.Second)
	assert.Equal(t, 1, injection.healed)
	assert.Equal(t, 1, rig.count("clear"))
	assert.Equal(t, report.Failed, result.Status())
	assert.Contains(t, result.Error, "interrupted")
	assert.False(t, h.Drained)
	assert.Zero(t, result.Verdict.Lost.Count)
}

func TestPanicHealsFirst(t *testing.T) {
	rig, injection := &fakeRig{}, &fakeInjection{}
	runner := quick(rig)
	runner.Progress = func(p Progress) {
		if p.Phase == "hold" && p.Changed {
			panic("a bug")
		}
	}
	assert.Panics(t, func() { runner.Play(t.Context(), Single(fakeFault("broken", injection, nil), hold)) })
	assert.Equal(t, 1, injection.healed)
	assert.Equal(t, 1, rig.count("clear"))
}

func TestUnavailableFaultIsSkipped(t *testing.T) {
	f := fakeFault("ram", &fakeInjection{}, nil)
	f.Available = func(*cluster.Cluster) error { return errors.New("series 4.3 has no RAM nodes") }
	rig := &fakeRig{}
	result, _ := quick(rig).Play(t.Context(), Single(f, hold))
	assert.Equal(t, report.Skipped, result.Status())
	assert.Equal(t, "series 4.3 has no RAM nodes", result.Skipped)
	assert.Empty(t, rig.calls)
}

func TestBrokenPromiseFailsTheScenario(t *testing.T) {
	f := fakeFault("quorum-lost", &fakeInjection{}, nil)
	f.Expect = checker.Expectation{NoConfirms: true, Grace: time.Millisecond}
	result, _ := quick(&fakeRig{}).Play(t.Context(), Single(f, hold))
	require.Equal(t, report.Failed, result.Status())
	assert.Equal(t, checker.ConfirmedWithoutQuorum, result.Verdict.Violations[0].Kind)
}

func TestScheduleInjectsEveryStep(t *testing.T) {
	first, second := &fakeInjection{}, &fakeInjection{}
	s := Scenario{Name: "two", Steps: []Step{
		{Fault: fakeFault("first", first, nil), Hold: hold},
		{Fault: fakeFault("second", second, nil), Hold: hold, Pause: hold}}}
	rig := &fakeRig{}
	result, h := quick(rig).Play(t.Context(), s)
	assert.Equal(t, report.Passed, result.Status(), "%v", result.Failures())
	assert.Len(t, h.Faults, 2)
	assert.Equal(t, 3, rig.count("healthy"), "before, and after each fault")
}

func names(s Scenario) []string {
	var names []string
	for _, step := range s.Steps {
		names = append(names, step.Fault.Name)
	}
	return names
}

func someFaults() []fault.Fault {
	return []fault.Fault{fakeFault("a", nil, nil), fakeFault("b", nil, nil), fakeFault("c", nil, nil)}
}

func TestSuiteKeepsAReportAndHistories(t *testing.T) {
	unavailable := fakeFault("ram", nil, nil)
	unavailable.Available = func(*cluster.Cluster) error { return errors.New("none here") }
	rig, dir := &fakeRig{}, t.TempDir()
	var done []string
	suite := Suite{Runner: quick(rig), Dir: dir, Run: report.Run{Stack: "dev", Started: time.Now()},
		Done: func(s report.Scenario) { done = append(done, s.Name) }}
	run, err := suite.Play(t.Context(), slices.Values([]Scenario{
		Single(fakeFault("one", &fakeInjection{}, nil), hold),
		Single(unavailable, hold),
		Single(fakeFault("two", nil, errors.New("no effect")), hold),
	}))
	require.NoError(t, err)
	assert.Equal(t, []string{"one", "ram", "two"}, done)
	assert.Equal(t, []int{1, 1, 1},
		[]int{run.Count(report.Passed), run.Count(report.Skipped), run.Count(report.Failed)})
	assert.Equal(t, "heal all", rig.calls[0], "what an earlier run left behind")
	for _, file := range []string{report.HTMLFile, report.JSONFile, report.JUnitFile, "history/two.jsonl.gz"} {
		assert.FileExists(t, filepath.Join(dir, file))
	}
	h, err := history.Load(filepath.Join(dir, run.Scenarios[0].HistoryFile))
	require.NoError(t, err)
	assert.Equal(t, run.Scenarios[0].Verdict, checker.Check(h, nil), "the saved history gets the same verdict")
}

func TestSuiteEndsWithAnInterrupt(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	runner := quick(&fakeRig{})
	runner.Progress = func(p Progress) {
		if p.Phase == "hold" {
			interrupt()
		}
	}
	f := fakeFault("a", &fakeInjection{}, nil)
	run, err := Suite{Runner: runner, Dir: t.TempDir()}.Play(ctx,
		slices.Values([]Scenario{Single(f, time.Hour), Single(f, time.Hour)}))
	require.NoError(t, err)
	require.Len(t, run.Scenarios, 1)
	assert.Contains(t, run.Scenarios[0].Error, "interrupted")
}

// TestSuiteHealsAfterAScenarioThatFailed, since nobody knows what that left behind.
func TestSuiteHealsAfterAScenarioThatFailed(t *testing.T) {
	rig := &fakeRig{}
	good := Single(fakeFault("good", &fakeInjection{}, nil), hold)
	stuck := Single(fakeFault("stuck", &fakeInjection{err: errors.New("no effect")}, nil), hold)
	_, err := Suite{Runner: quick(rig), Dir: t.TempDir()}.Play(t.Context(),
		slices.Values([]Scenario{good, good}))
	require.NoError(t, err)
	assert.Equal(t, 1, rig.count("heal all"), "before the first scenario")

	rig = &fakeRig{}
	_, err = Suite{Runner: quick(rig), Dir: t.TempDir()}.Play(t.Context(),
		slices.Values([]Scenario{stuck, good}))
	require.NoError(t, err)
	assert.Equal(t, 3, rig.count("heal all"), "before the first, by the one that failed, and before the next")
}

// TestSuitePutsNodesOnLyingDisksAndTakesThemOff keeps nodes on such disks from one scenario that needs them
// to the next, and no longer.
func TestSuitePutsNodesOnLyingDisksAndTakesThemOff(t *testing.T) {
	usual := Single(fakeFault("usual", &fakeInjection{}, nil), hold)
	lying := Single(fakeFault("lying", &fakeInjection{}, nil), hold)
	lying.Steps[0].Fault.LyingDisks = true
	for want, scenarios := range map[string][]Scenario{
		"heal all": {usual},
		"heal all, lying disks, lying disks, heal all":           {lying, lying},
		"heal all, lying disks, heal all, lying disks, heal all": {lying, usual, lying},
	} {
		rig := &fakeRig{}
		_, err := Suite{Runner: quick(rig), Dir: t.TempDir()}.Play(t.Context(),
			slices.Values(scenarios))
		require.NoError(t, err)
		var calls []string
		for _, call := range rig.calls {
			if call == "heal all" || call == "lying disks" {
				calls = append(calls, call)
			}
		}
		assert.Equal(t, want, strings.Join(calls, ", "))
	}
}

func TestSuiteDoesNotStartOnALeftoverThatWillNotHeal(t *testing.T) {
	_, err := Suite{Runner: quick(&fakeRig{healAll: errors.New("stuck")})}.Play(t.Context(),
		slices.Values([]Scenario{}))
	require.Error(t, err)
	assert.Contains(t, err.Error(), "heal what an earlier run left behind: stuck")
}

func TestRandomIsReproducible(t *testing.T) {
	one, same, other := Random(someFaults(), 20, 7, 0), Random(someFaults(), 20, 7,
		0), Random(someFaults(), 20, 8, 0)
	assert.Equal(t, names(one), names(same))
	for i := range one.Steps {
		assert.Equal(t, one.Steps[i].Hold, same.Steps[i].Hold)
		assert.Equal(t, one.Steps[i].Pause, same.Steps[i].Pause)
		if i > 0 {
			assert.NotEqual(t, names(one)[i-1], names(one)[i])
		}
	}
	assert.NotEqual(t, names(one), names(other))
	assert.Contains(t, one.Description, "seed 7")
}

func TestRandomTakesAsLongAsAsked(t *testing.T) {
	var total time.Duration
	for _, step := range Random(someFaults(), 20, 7, 10*time.Minute).Steps {
		total += step.Pause + step.Hold
	}
	assert.InDelta(t, 10*time.Minute, total, float64(time.Second))
}

func TestHoldFollowsTheFault(t *testing.T) {
	f := fakeFault("a", nil, nil)
	assert.Equal(t, defaultHold, Single(f, 0).Steps[0].Hold)
	f.Hold = time.Minute
	assert.Equal(t, time.Minute, Single(f, 0).Steps[0].Hold)
	assert.Equal(t, time.Second, Single(f, time.Second).Steps[0].Hold, "what the user says counts")
}

func TestRepeatedFaultsAreNumbered(t *testing.T) {
	f := fakeFault("a", nil, nil)
	table := Table([]fault.Fault{f, f, fakeFault("b", nil, nil), f}, 0)
	assert.Equal(t, []string{"a", "a-2", "b", "a-3"},
		[]string{table[0].Name, table[1].Name, table[2].Name, table[3].Name})
}

func TestSelectNamesEveryUnknownFault(t *testing.T) {
	selected, err := Select(someFaults(), []string{"c", "a"})
	require.NoError(t, err)
	assert.Equal(t, []string{"c", "a"}, []string{selected[0].Name, selected[1].Name})

	_, err = Select(someFaults(), []string{"x", "a", "y"})
	require.Error(t, err)
	assert.Contains(t, err.Error(), `"x"`)
	assert.Contains(t, err.Error(), `"y"`)
}

func TestPrinterOnATerminalKeepsToOneLine(t *testing.T) {
	var b strings.Builder
	p := NewPrinter(&b, true, 2)
	p.Show(Progress{Scenario: "leader-killed", Phase: "warm-up", Changed: true})
	p.Show(Progress{Scenario: "leader-killed", Phase: "hold", Elapsed: 2 * time.Second,
		Counts: history.Counts{Attempted: 900, Confirmed: 800, Pending: 100}})
	assert.NotContains(t, b.String(), "\n")
	assert.Contains(t, b.String(), "[1/2] leader-killed: hold, 2 s, 400 confirmed/s, 100 unconfirmed")
	p.Done(report.Scenario{Name: "leader-killed", Error: "it broke"})
	assert.True(t, strings.HasSuffix(b.String(), "[1/2] leader-killed: FAILED, it broke\n"))
	p.Done(report.Scenario{Name: "ram", Skipped: "none here"})
	assert.True(t, strings.HasSuffix(b.String(), "[2/2] ram: SKIPPED, none here\n"))
}

func TestPrinterElsewherePrintsALinePerPhase(t *testing.T) {
	var b strings.Builder
	p := NewPrinter(&b, false, 1)
	p.Show(Progress{Scenario: "x", Phase: "hold", Changed: true})
	p.Show(Progress{Scenario: "x", Phase: "hold"})
	assert.Equal(t, "[1/1] x: hold, 0 s\n", b.String())

	b.Reset()
	NewPrinter(&b, false, 0).Show(Progress{Scenario: "x", Phase: "hold", Changed: true})
	assert.Equal(t, "[1] x: hold, 0 s\n", b.String(), "of how many is not known")
}

func TestShortenKeepsBothEnds(t *testing.T) {
	assert.Equal(t, "short\n", shorten("short\n", 100))
	var text strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&text, "line %d\n", i)
	}
	short := shorten(text.String(), 200)
	assert.Less(t, len(short), 300)
	assert.True(t, strings.HasPrefix(short, "line 0\nline 1\n"))
	assert.True(t, strings.HasSuffix(short, "line 998\nline 999\n"))
	assert.Contains(t, short, "bytes left out")
}
