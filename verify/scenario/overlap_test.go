package scenario

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault"
	"warren/verify/report"
	"warren/verify/schedule"
)

// planned is a scenario of two faults that overlap, each injected as the test wants.
func planned(injections map[string]func() (fault.Injection, error)) Scenario {
	s := Planned("overlap", schedule.Plan{
		{Fault: "first", From: 0, To: 60 * time.Millisecond},
		{Fault: "second", From: 20 * time.Millisecond, To: 40 * time.Millisecond},
	})
	s.Plan.Find = func(name string) (fault.Overlapping, error) {
		return fault.Overlapping{Inject: func(context.Context, *cluster.Cluster, topology.NodeOutput) (
			fault.Injection, error) {
			return injections[name]()
		}}, nil
	}
	return s
}

func injecting(i *fakeInjection) func() (fault.Injection, error) {
	return func() (fault.Injection, error) { return i, nil }
}

func TestFaultsOverlap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rig, first, second := &fakeRig{}, &fakeInjection{}, &fakeInjection{}
		result, h := quick(rig).Play(t.Context(), planned(map[string]func() (fault.Injection, error){
			"first": injecting(first), "second": injecting(second)}))
		require.Equal(t, report.Passed, result.Status(), "%v", result.Failures())
		assert.Equal(t, 1, first.healed)
		assert.Equal(t, 1, second.healed)
		require.Len(t, h.Faults, 2)
		assert.Less(t, h.Faults[1].Begun, h.Faults[0].Healing, "the second begins before the first ends")
		assert.Less(t, h.Faults[1].Healed, h.Faults[0].Healed)
		assert.ElementsMatch(t, []string{"first: broke it", "second: broke it"}, result.Injected)
	})
}

func TestOverlappingFaultWithoutEffectIsTold(t *testing.T) {
	failing := func() (fault.Injection, error) { return nil, errors.New("rabbit2 is down") }
	first := &fakeInjection{}
	result, _ := quick(&fakeRig{}).Play(t.Context(), planned(map[string]func() (fault.Injection, error){
		"first": injecting(first), "second": failing}))
	require.Equal(t, report.Passed, result.Status(), "%v", result.Failures())
	assert.Contains(t, result.Injected, "second: did not take effect: rabbit2 is down")

	result, _ = quick(&fakeRig{}).Play(t.Context(), planned(map[string]func() (fault.Injection, error){
		"first": failing, "second": failing}))
	assert.Equal(t, report.Failed, result.Status())
	assert.Contains(t, result.Error, "none of the faults took effect")
}

func TestOverlappingFaultThatDoesNotHealHealsAll(t *testing.T) {
	rig, first := &fakeRig{}, &fakeInjection{}
	result, _ := quick(rig).Play(t.Context(), planned(map[string]func() (fault.Injection, error){
		"first": injecting(first), "second": injecting(&fakeInjection{err: errors.New("stuck")})}))
	assert.Equal(t, report.Failed, result.Status())
	assert.Contains(t, result.Error, "heal second: stuck")
	assert.Equal(t, 1, first.healed)
	assert.Equal(t, 1, rig.count("heal all"))
}

func TestInterruptHealsOverlappingFaults(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	var once sync.Once
	first := &fakeInjection{}
	result, _ := quick(&fakeRig{}).Play(ctx, planned(map[string]func() (fault.Injection, error){
		"first": injecting(first),
		"second": func() (fault.Injection, error) {
			once.Do(interrupt)
			return &fakeInjection{}, nil
		}}))
	assert.Contains(t, result.Error, "interrupted")
	assert.Equal(t, 1, first.healed)
}

// A plan that fails because of one of its faults is shrunk to that one.
func TestSuiteShrinksAPlanThatFails(t *testing.T) {
	failing := planned(map[string]func() (fault.Injection, error){
		"first":  func() (fault.Injection, error) { return &fakeInjection{}, nil },
		"second": func() (fault.Injection, error) { return &fakeInjection{err: errors.New("stuck")}, nil },
	})
	for _, shrink := range []bool{false, true} {
		suite := Suite{Runner: quick(&fakeRig{}), Dir: t.TempDir(), Shrink: shrink}
		run, err := suite.Play(t.Context(), slices.Values([]Scenario{failing}))
		require.NoError(t, err)
		require.Len(t, run.Scenarios, 1)
		require.Equal(t, report.Failed, run.Scenarios[0].Status())
		if shrink {
			assert.Equal(t, "1 of 2 faults still fail (2 tries): 0s to 0s: second", run.Scenarios[0].Smallest)
		} else {
			assert.Empty(t, run.Scenarios[0].Smallest)
		}
	}
}

// slowInjection takes some time to heal, and tells what it does.
type slowInjection struct {
	log  func(string)
	name string
}

func (i slowInjection) String() string { return "broke it" }

func (i slowInjection) Heal(context.Context) error {
	time.Sleep(time.Second)
	i.log("healed " + i.name)
	return nil
}

// Faults that use the same thing do not overlap, also if one takes longer to heal than the plan says.
func TestFaultsOfAGroupWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var log []string
		note := func(text string) {
			mu.Lock()
			defer mu.Unlock()
			log = append(log, text)
		}
		s := Planned("overlap", schedule.Plan{
			{Fault: "first", From: 0, To: 20 * time.Millisecond},
			{Fault: "second", From: 30 * time.Millisecond, To: 60 * time.Millisecond},
		})
		s.Plan.Find = func(name string) (fault.Overlapping, error) {
			return fault.Overlapping{
				Kind: schedule.Kind{Group: "network"},
				Inject: func(context.Context, *cluster.Cluster, topology.NodeOutput) (fault.Injection, error) {
					note("injected " + name)
					return slowInjection{note, name}, nil
				},
			}, nil
		}
		result, _ := quick(&fakeRig{}).Play(t.Context(), s)
		require.Equal(t, report.Passed, result.Status(), "%v", result.Failures())
		assert.Equal(t, []string{"injected first", "healed first", "injected second", "healed second"}, log)
	})
}
