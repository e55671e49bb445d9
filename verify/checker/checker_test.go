package checker

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/verify/history"
)

const ms = time.Millisecond

// run is a hand-made history: one producer and one consumer on each of two paths, a message every 100 ms on
// each for ten seconds, confirmed after 5 ms and delivered after 8 ms. Tests break it in one way each.
func run() history.History {
	h := history.History{
		Scenario: "test",
		Paths:    []string{history.LoadBalancer, history.AnyNode},
		Traffic:  history.Span{From: time.Second, To: 11 * time.Second},
		Drained:  true,
	}
	for i := range 100 {
		at := time.Second + time.Duration(i)*100*ms
		for _, path := range h.Paths {
			id := fmt.Sprintf("%s-%d", path, i)
			h.Publishes = append(h.Publishes, history.Publish{
				ID: id, Producer: "to " + path, Path: path, At: at, Done: at + 5*ms, Outcome: history.Confirmed})
			h.Deliveries = append(h.Deliveries, history.Delivery{
				ID: id, Consumer: "from " + path, Path: path, At: at + 8*ms})
		}
	}
	return h
}

// withFault adds a fault that is in effect from 4 s to 7 s.
func withFault(h history.History, name string) history.History {
	h.Faults = append(h.Faults, history.FaultWindow{
		Fault: name, Begun: 3900 * ms, Injected: 4 * time.Second, Healing: 7 * time.Second, Healed: 7100 * ms})
	return h
}

// silence makes what would have been confirmed on a path within the span unknown, and takes away its
// deliveries.
func silence(h history.History, path string, span history.Span) history.History {
	gone := map[string]bool{}
	for i, p := range h.Publishes {
		if (path == "" || p.Path == path) && p.Done >= span.From && p.Done < span.To {
			h.Publishes[i].Outcome, h.Publishes[i].Done = history.Unknown, 0
			gone[p.ID] = true
		}
	}
	var kept []history.Delivery
	for _, d := range h.Deliveries {
		if !gone[d.ID] {
			kept = append(kept, d)
		}
	}
	h.Deliveries = kept
	return h
}

func kinds(v Verdict) []Kind {
	var kinds []Kind
	for _, violation := range v.Violations {
		kinds = append(kinds, violation.Kind)
	}
	return kinds
}

func TestFaultlessRunPasses(t *testing.T) {
	v := Check(run(), nil)
	assert.True(t, v.Passed(), "%v", v.Violations)
	assert.Equal(t, 200, v.Attempted)
	assert.Equal(t, 200, v.Acknowledged)
	assert.Equal(t, 200, v.Delivered)
	assert.Equal(t, 200, v.Deliveries)
	for name, m := range map[string]Messages{"lost": v.Lost, "unexpected": v.Unexpected,
		"duplicated": v.Duplicated,
		"recovered":  v.Recovered, "reordered": v.Reordered} {
		assert.Zero(t, m.Count, name)
	}
	assert.Zero(t, v.Overall.Confirms.Down)
	assert.Equal(t, Latency{Median: 5 * ms, P95: 5 * ms, P99: 5 * ms, Max: 5 * ms}, v.Overall.ConfirmLatency)
}

func TestConfirmedButNeverDeliveredIsLost(t *testing.T) {
	h := run()
	gone := h.Deliveries[42]
	h.Deliveries = append(h.Deliveries[:42:42], h.Deliveries[43:]...)
	v := Check(h, nil)
	require.Equal(t, []Kind{Lost}, kinds(v))
	assert.Equal(t, Messages{Count: 1, IDs: []string{gone.ID}}, v.Lost)
	assert.Equal(t, v.Lost, v.Violations[0].Messages, "the violation names the message")
}

func TestUnconfirmedAndUndeliveredIsNotLost(t *testing.T) {
	for _, outcome := range []history.Outcome{history.Unknown, history.Nacked, history.Returned,
		history.Unsent} {
		h := run()
		h.Publishes[42].Outcome = outcome
		h.Deliveries = append(h.Deliveries[:42:42], h.Deliveries[43:]...)
		v := Check(h, nil)
		assert.True(t, v.Passed(), "%s: %v", outcome, v.Violations)
		assert.Equal(t, 199, v.Acknowledged)
		assert.Equal(t, 1, v.Unknown+v.Nacked+v.Returned+v.Unsent)
		assert.Zero(t, v.Recovered.Count)
	}
}

func TestOutcomesAreCountedApart(t *testing.T) {
	h := run()
	h.Publishes[0].Outcome = history.Nacked
	h.Publishes[1].Outcome = history.Returned
	h.Publishes[2].Outcome = history.Unknown
	h.Publishes[3].Outcome = history.Unsent
	h.Deliveries = h.Deliveries[4:]
	v := Check(h, nil)
	assert.Equal(t, []int{196, 1, 1, 1, 1}, []int{v.Acknowledged, v.Nacked, v.Returned, v.Unknown, v.Unsent})
	assert.True(t, v.Passed())
}

func TestDeliveredButNeverPublishedIsUnexpected(t *testing.T) {
	h := run()
	h.Deliveries = append(h.Deliveries,
		history.Delivery{ID: "stranger", Consumer: "c", Path: history.AnyNode, At: 5 * time.Second})
	v := Check(h, nil)
	require.Equal(t, []Kind{Unexpected}, kinds(v))
	assert.Equal(t, []string{"stranger"}, v.Violations[0].Messages.IDs)
}

func TestDeliveredButNeverSentIsUnexpected(t *testing.T) {
	h := run()
	h.Publishes[9].Outcome = history.Unsent
	v := Check(h, nil)
	require.Equal(t, []Kind{Unexpected}, kinds(v))
	assert.Equal(t, []string{h.Publishes[9].ID}, v.Violations[0].Messages.IDs)
}

func TestDeliveredTwiceIsDuplicatedAndAllowed(t *testing.T) {
	h := run()
	again := h.Deliveries[7]
	again.Redelivered = true
	h.Deliveries = append(h.Deliveries, again, again)
	v := Check(h, nil)
	assert.True(t, v.Passed())
	assert.Equal(t, Messages{Count: 1, IDs: []string{again.ID}}, v.Duplicated,
		"a message counts once, however often it came")
	assert.Equal(t, 200, v.Delivered)
	assert.Equal(t, 202, v.Deliveries)
}

func TestUnknownOutcomeButDeliveredIsRecovered(t *testing.T) {
	h := run()
	h.Publishes[9].Outcome, h.Publishes[9].Done = history.Unknown, 0
	v := Check(h, nil)
	assert.True(t, v.Passed())
	assert.Equal(t, Messages{Count: 1, IDs: []string{h.Publishes[9].ID}}, v.Recovered)
}

func TestOvertakenMessageIsReordered(t *testing.T) {
	h := run()
	h.Deliveries[20], h.Deliveries[22] = h.Deliveries[22], h.Deliveries[20] // both from the same producer
	v := Check(h, nil)
	assert.True(t, v.Passed())
	assert.Equal(t, 1, v.Reordered.Count)

	h.Deliveries[22].Redelivered = true
	assert.Zero(t, Check(h, nil).Reordered.Count, "a redelivered message has an excuse")
}

func TestDifferentConsumersDoNotReorder(t *testing.T) {
	h := run()
	h.Deliveries[20], h.Deliveries[22] = h.Deliveries[22], h.Deliveries[20]
	h.Deliveries[22].Consumer = "another"
	assert.Zero(t, Check(h, nil).Reordered.Count)
}

func TestOnlyTheFirstMessagesAreNamed(t *testing.T) {
	h := run()
	h.Deliveries = nil
	v := Check(h, nil)
	assert.Equal(t, 200, v.Lost.Count)
	assert.Len(t, v.Lost.IDs, maxNamed)
	assert.Equal(t, h.Publishes[0].ID, v.Lost.IDs[0])
}

func TestSilentRunProvesNothing(t *testing.T) {
	nothing := history.History{Traffic: history.Span{To: time.Second}}
	assert.Equal(t, []Kind{ProvesNothing}, kinds(Check(nothing, nil)))

	unconfirmed := silence(run(), "", history.Span{To: time.Hour})
	assert.Equal(t, []Kind{ProvesNothing}, kinds(Check(unconfirmed, nil)))
}

// TestPathWithoutAConfirmProvesNothing: also that of the queue that is filled until the drain.
func TestPathWithoutAConfirmProvesNothing(t *testing.T) {
	silent := silence(run(), history.LoadBalancer, history.Span{To: time.Hour})
	require.NotEmpty(t, silentPaths(silent))
	assert.Contains(t, kinds(Check(silent, nil)), ProvesNothing)

	stored := run()
	stored.Publishes = append(stored.Publishes,
		history.Publish{ID: "s/1", Path: history.Stored, Outcome: history.Unknown})
	v := Check(stored, nil)
	require.Equal(t, []Kind{ProvesNothing}, kinds(v))
	assert.Contains(t, v.Violations[0].Text, history.Stored)

	stored.Publishes[len(stored.Publishes)-1].Outcome = history.Confirmed
	stored.Deliveries = append(stored.Deliveries, history.Delivery{ID: "s/1"})
	assert.Empty(t, kinds(Check(stored, nil)))
}

func TestUndrainedRunCannotTellWhatIsLost(t *testing.T) {
	h := run()
	h.Drained = false
	h.Deliveries = h.Deliveries[:100]
	v := Check(h, nil)
	assert.Equal(t, []Kind{ProvesNothing}, kinds(v))
	assert.Zero(t, v.Lost.Count)
}

func TestOutageIsMeasuredPerPathAndOverall(t *testing.T) {
	out := history.Span{From: 4 * time.Second, To: 6 * time.Second}
	v := Check(silence(run(), history.LoadBalancer, out), nil)
	assert.Zero(t, v.Overall.Confirms.Outages, "the other path went on")
	require.Len(t, v.Paths[0].Confirms.Outages, 1)
	// From the last confirm before to the first after: 3.905 s to 6.005 s.
	assert.Equal(t, history.Span{From: 3905 * ms, To: 6005 * ms}, v.Paths[0].Confirms.Longest)
	assert.Equal(t, 2100*ms, v.Paths[0].Confirms.Down)
	assert.Equal(t, history.Span{From: 3908 * ms, To: 6008 * ms}, v.Paths[0].Deliveries.Longest)
	assert.Empty(t, v.Paths[1].Confirms.Outages)

	v = Check(silence(run(), "", out), nil)
	assert.Equal(t, 2100*ms, v.Overall.Confirms.Longest.Length())
}

func TestOutageAtStartAndEndCounts(t *testing.T) {
	v := Check(silence(run(), "", history.Span{To: 3 * time.Second}), nil)
	assert.Equal(t, history.Span{From: time.Second, To: 3005 * ms}, v.Overall.Confirms.Longest)

	v = Check(silence(run(), "", history.Span{From: 8 * time.Second, To: time.Hour}), nil)
	assert.Equal(t, history.Span{From: 7905 * ms, To: 11 * time.Second}, v.Overall.Confirms.Longest)
}

func TestPathWithoutAnyConfirmIsDownAllTheTime(t *testing.T) {
	v := Check(silence(run(), history.LoadBalancer, history.Span{To: time.Hour}), nil)
	assert.Equal(t, 10*time.Second, v.Paths[0].Confirms.Down)
	assert.Zero(t, v.Paths[0].Confirms.Count)
}

func TestWhatHappensOutsideTrafficDoesNotCount(t *testing.T) {
	a := measure(gaps([]time.Duration{0, 2 * time.Second, 20 * time.Second},
		history.Span{From: time.Second, To: 3 * time.Second}))
	assert.Equal(t, 1, a.Count)
	assert.Equal(t, 2*time.Second, a.Down)
}

func TestPercentilesAreDurationsThatOccurred(t *testing.T) {
	var durations []time.Duration
	for i := 100; i > 0; i-- {
		durations = append(durations, time.Duration(i)*ms)
	}
	assert.Equal(t, Latency{Median: 50 * ms, P95: 95 * ms, P99: 99 * ms, Max: 100 * ms}, Percentiles(durations))
	assert.Equal(t, Latency{Median: ms, P95: ms, P99: ms, Max: ms}, Percentiles([]time.Duration{ms}))
	assert.Zero(t, Percentiles(nil))
}

func TestConfirmWithoutQuorumIsAViolation(t *testing.T) {
	promises := map[string]Expectation{"quorum lost": {NoConfirms: true}}

	kept := silence(withFault(run(), "quorum lost"), "",
		history.Span{From: 4 * time.Second, To: 7 * time.Second})
	assert.Empty(t, Check(kept, promises).Violations)

	broken := withFault(run(), "quorum lost")
	v := Check(broken, promises)
	require.Equal(t, []Kind{ConfirmedWithoutQuorum}, kinds(v))
	assert.Equal(t, 40, v.Violations[0].Messages.Count, "two paths, from 5 s (after the grace) to 7 s")
	assert.Equal(t, "load balancer-40", v.Violations[0].Messages.IDs[0])
}

func TestConfirmWithinGraceIsAllowed(t *testing.T) {
	h := silence(withFault(run(), "quorum lost"), "", history.Span{From: 4900 * ms, To: 7 * time.Second})
	assert.Empty(t, Check(h, map[string]Expectation{"quorum lost": {NoConfirms: true}}).Violations)
	v := Check(h, map[string]Expectation{"quorum lost": {NoConfirms: true, Grace: 500 * ms}})
	assert.Equal(t, []Kind{ConfirmedWithoutQuorum}, kinds(v))
}

func TestFaultShorterThanTheGraceProvesNothing(t *testing.T) {
	h := withFault(run(), "quorum lost")
	v := Check(h, map[string]Expectation{"quorum lost": {NoConfirms: true, Grace: 3 * time.Second}})
	assert.Equal(t, []Kind{ProvesNothing}, kinds(v))
}

func TestOutageBeyondTheBoundIsAViolation(t *testing.T) {
	h := silence(withFault(run(), "leader killed"), history.LoadBalancer,
		history.Span{From: 4 * time.Second, To: 5 * time.Second})
	bound := func(d time.Duration) map[string]Expectation {
		return map[string]Expectation{"leader killed": {MaxOutage: map[string]time.Duration{history.LoadBalancer: d,
			"": 200 * ms}}}
	}
	assert.Empty(t, Check(h, bound(1200*ms)).Violations)
	v := Check(h, bound(time.Second))
	require.Equal(t, []Kind{OutageTooLong}, kinds(v))
	assert.Contains(t, v.Violations[0].Text, "load balancer for 1.1s; promised is 1s")
}

func TestOutageOfAnotherFaultIsNotHeldAgainstThisOne(t *testing.T) {
	h := withFault(run(), "first")
	h.Faults = append(h.Faults, history.FaultWindow{
		Fault: "second", Begun: 8 * time.Second, Injected: 8100 * ms, Healing: 9 * time.Second, Healed: 9100 * ms})
	h = silence(h, "", history.Span{From: 8500 * ms, To: 9500 * ms})
	v := Check(h, nil)
	require.Len(t, v.Faults, 2)
	assert.Equal(t, 100*ms, v.Faults[0].Confirms[""])
	assert.Equal(t, 1100*ms, v.Faults[1].Confirms[""])
}

func TestFaultLeftInTheClusterIsAViolation(t *testing.T) {
	h := withFault(run(), "pair cut")
	h.Faults[0].Healed = 0
	v := Check(h, nil)
	require.Equal(t, []Kind{NotHealed}, kinds(v))
	assert.Contains(t, v.Violations[0].Text, "pair cut")
}

func TestExpectationSaysWhatIsPromised(t *testing.T) {
	assert.Equal(t, "No confirmed message is lost and none appears that was not sent.", Expectation{}.String())
	e := Expectation{NoConfirms: true,
		MaxOutage: map[string]time.Duration{history.LoadBalancer: 600 * ms, "": time.Second}}
	assert.Contains(t, e.String(), "Nothing is confirmed while the fault is in effect (confirms on their way "+
		"may arrive for 1s)")
	assert.Contains(t, e.String(), "Through the load balancer, confirms pause for no longer than 600ms.")
	assert.Contains(t, e.String(), "Through all paths together, confirms pause for no longer than 1s.")
}
