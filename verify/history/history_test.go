package history

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRecorderKeepsWhatConcurrentClientsDid(t *testing.T) {
	const clients, messages = 8, 500
	r := NewRecorder("test", LoadBalancer, AnyNode)
	r.TrafficStarts()
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for m := range messages {
				id := fmt.Sprintf("p%d-%d", c, m)
				a := r.Attempt(fmt.Sprintf("p%d", c), LoadBalancer, id)
				if m%2 == 0 {
					a.Done(Confirmed, nil)
				} else {
					a.Done(Unknown, errors.New("connection reset"))
				}
				r.Delivered("c", AnyNode, id, false)
				_ = r.Counts()
			}
		})
	}
	wg.Wait()
	r.TrafficStops()

	assert.Equal(t, Counts{Attempted: clients * messages, Confirmed: clients * messages / 2,
		Delivered: clients * messages}, r.Counts())
	h := r.History()
	require.Len(t, h.Publishes, clients*messages)
	require.Len(t, h.Deliveries, clients*messages)
	for i := 1; i < len(h.Publishes); i++ {
		require.LessOrEqual(t, h.Publishes[i-1].At, h.Publishes[i].At, "publishes are in the order of time")
	}
	assert.Positive(t, h.Traffic.Length())
}

func TestAttemptWithoutOutcomeIsUnknown(t *testing.T) {
	r := NewRecorder("test")
	r.Attempt("p", AnyNode, "p-1")
	h := r.History()
	require.Len(t, h.Publishes, 1)
	assert.Equal(t, Unknown, h.Publishes[0].Outcome)
	assert.Zero(t, h.Publishes[0].Done)
	assert.Equal(t, 1, r.Counts().Pending)
}

func TestMissingCountsConfirmedButUndelivered(t *testing.T) {
	r := NewRecorder("test")
	for _, id := range []string{"a", "b", "c"} {
		r.Attempt("p", AnyNode, id).Done(Confirmed, nil)
	}
	r.Attempt("p", AnyNode, "d").Done(Unknown, nil)
	r.Delivered("c", AnyNode, "b", false)
	r.Delivered("c", AnyNode, "b", true)
	assert.Equal(t, 2, r.Missing())

	late := r.Attempt("p", AnyNode, "e")
	r.Delivered("c", AnyNode, "e", false) // before the confirm reaches the producer
	late.Done(Confirmed, nil)
	r.Delivered("c", AnyNode, "d", false)
	r.Delivered("c", AnyNode, "stranger", false)
	assert.Equal(t, 2, r.Missing())
}

func TestSilentPathsLackAConfirmOrADelivery(t *testing.T) {
	r := NewRecorder("test", "a", "b", "c")
	r.Attempt("p", "a", "1").Done(Confirmed, nil)
	r.Attempt("p", "b", "2").Done(Confirmed, nil)
	r.Delivered("c", "a", "1", false)
	r.Delivered("c", "c", "2", false)
	assert.Equal(t, []string{"b", "c"}, r.Silent())
}

func TestTrafficStopsOnce(t *testing.T) {
	r := NewRecorder("test")
	r.TrafficStops()
	first := r.History().Traffic.To
	r.TrafficStops()
	assert.Positive(t, first)
	assert.Equal(t, first, r.History().Traffic.To)
	assert.False(t, r.History().Drained)
	r.Drained()
	assert.True(t, r.History().Drained)
}

func TestHistoryIsACopy(t *testing.T) {
	r := NewRecorder("test", AnyNode)
	a := r.Attempt("p", AnyNode, "p-1")
	h := r.History()
	a.Done(Confirmed, nil)
	r.Event(Note, "", "later")
	assert.Equal(t, Unknown, h.Publishes[0].Outcome)
	assert.Empty(t, h.Events)
}

func TestFaultWindowStepsInOrder(t *testing.T) {
	r := NewRecorder("test")
	w := r.FaultBegins("leader killed")
	w.Injected()
	w.Healing()
	w.Healed()
	f := r.History().Faults[0]
	assert.Equal(t, "leader killed", f.Fault)
	assert.Less(t, f.Begun, f.Injected)
	assert.Less(t, f.Injected, f.Healing)
	assert.Less(t, f.Healing, f.Healed)
}

func sample() History {
	return History{
		Scenario: "leader killed",
		Started:  time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Paths:    []string{LoadBalancer, AnyNode, "rabbit1"},
		Traffic:  Span{From: time.Second, To: 9 * time.Second},
		Drained:  true,
		Publishes: []Publish{
			{ID: "p-1", Producer: "p", Path: LoadBalancer, At: time.Second, Done: 1100 * time.Millisecond,
				Outcome: Confirmed},
			{ID: "p-2", Producer: "p", Path: LoadBalancer, At: 2 * time.Second, Outcome: Unknown,
				Error: "<reset> & gone"},
		},
		Deliveries: []Delivery{{ID: "p-1", Consumer: "c", Path: AnyNode, At: 1200 * time.Millisecond,
			Redelivered: true}},
		Events: []Event{{At: 3 * time.Second, Kind: Client, Subject: "p", Text: "reconnecting"}},
		Faults: []FaultWindow{{Fault: "leader killed", Begun: 3, Injected: 4, Healing: 5, Healed: 6}},
	}
}

func TestSavedHistoryLoadsUnchanged(t *testing.T) {
	for _, name := range []string{"h.jsonl", "h.jsonl.gz", "new/folder/h.jsonl"} {
		path := filepath.Join(t.TempDir(), name)
		require.NoError(t, sample().Save(path))
		got, err := Load(path)
		require.NoError(t, err)
		assert.Equal(t, sample(), got)
	}
}

func TestReadSortsByTime(t *testing.T) {
	shuffled := sample()
	shuffled.Publishes[0], shuffled.Publishes[1] = shuffled.Publishes[1], shuffled.Publishes[0]
	var b bytes.Buffer
	require.NoError(t, shuffled.Write(&b))
	got, err := Read(&b)
	require.NoError(t, err)
	assert.Equal(t, sample(), got)
}

func TestReadRefusesWhatIsNotAHistory(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"empty":          {"", "empty"},
		"no header":      {`{"publish":{"id":"a"}}`, "first record"},
		"two headers":    {`{"history":{}}` + "\n" + `{"history":{}}`, "first record"},
		"unknown record": {`{"history":{}}` + "\n" + `{"something":{}}`, "record 2 is none of"},
		"broken line":    {`{"history":{}}` + "\n" + `{"publish":`, "record 2"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read(strings.NewReader(c.text))
			require.Error(t, err)
			assert.Contains(t, err.Error(), c.says)
		})
	}
}

func TestLoadNamesTheFile(t *testing.T) {
	_, err := Load("/does/not/exist.jsonl")
	require.Error(t, err)
	assert.Contains(t, err.Error(), "/does/not/exist.jsonl")
}

func TestEndIsTheLastThingKnown(t *testing.T) {
	assert.Equal(t, 9*time.Second, sample().End())
	h := sample()
	h.Deliveries[0].At = time.Minute
	assert.Equal(t, time.Minute, h.End())
}

func BenchmarkRecorder(b *testing.B) {
	r := NewRecorder("bench")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Attempt("p", AnyNode, "id").Done(Confirmed, nil)
		}
	})
}
