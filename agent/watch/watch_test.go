package watch

import (
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"warren/agent/peer"
	"warren/agent/rabbit"
)

const r1, r2, r3 = "rabbit@rabbit1", "rabbit@rabbit2", "rabbit@rabbit3"

var three = []string{r1, r2, r3}

func quorum(leader string, online ...string) rabbit.QueueInfo {
	return rabbit.QueueInfo{Type: "quorum", Leader: leader, Members: three, Online: online}
}

func TestWhatIsWrongWithAQueue(t *testing.T) {
	few := quorum(r1, r1)
	few.Members = []string{r1}
	asked := few
	asked.Arguments = map[string]any{"x-quorum-initial-group-size": 1.0}
	stream := quorum(r1, r1, r2)
	stream.Type = "stream"
	for name, tc := range map[string]struct {
		queue rabbit.QueueInfo
		nodes int
		want  queues
	}{
		"nothing":                      {quorum(r1, r1, r2, r3), 3, queues{}},
		"a replica is offline":         {quorum(r1, r1, r2), 3, queues{replicasOffline: 1}},
		"of a stream":                  {stream, 3, queues{replicasOffline: 1}},
		"no majority":                  {quorum(r1, r1), 3, queues{withoutLeader: 1}},
		"the leader is gone":           {quorum(r1, r2, r3), 3, queues{withoutLeader: 1}},
		"nobody takes part":            {quorum("", []string{}...), 3, queues{withoutLeader: 1}},
		"one replica of three":         {few, 3, queues{lackReplicas: 1}},
		"one replica, as was asked":    {asked, 3, queues{}},
		"one replica of a single node": {few, 1, queues{}},
		"a classic queue runs":         {rabbit.QueueInfo{Type: "classic", State: "running"}, 3, queues{}},
		"a classic queue is down":      {rabbit.QueueInfo{Type: "classic", State: "down"}, 3, queues{down: 1}},
		"somebody's own": {rabbit.QueueInfo{Type: "classic", State: "down", Exclusive: true}, 3,
			queues{}},
		"a type of a plugin": {rabbit.QueueInfo{Type: "rabbit_mqtt_qos0_queue"}, 3, queues{}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, tc.want, of(tc.queue, tc.nodes)) })
	}
}

// fake is a cluster whose nodes see different things.
type fake struct {
	queues       map[string][]rabbit.QueueInfo
	certificates map[string][]*x509.Certificate
	asked        []string
}

var errAway = errors.New("away")

func (f *fake) QueuesOf(_ context.Context, node string) ([]rabbit.QueueInfo, error) {
	f.asked = append(f.asked, node)
	return f.queues[node], nil
}

func (f *fake) VHosts(_ context.Context, node string) ([]string, error) {
	if _, there := f.queues[node]; !there {
		return nil, errAway
	}
	return []string{"/"}, nil
}

func (f *fake) Certificates(_ context.Context, host string, port int) ([]*x509.Certificate, error) {
	if presented := f.certificates[host]; presented != nil && port > 0 {
		return presented, nil
	}
	return nil, errAway
}

var (
	good = []rabbit.QueueInfo{quorum(r1, r1, r2, r3)}
	bad  = []rabbit.QueueInfo{quorum(r1, r1)}
	now  = time.Unix(1_700_000_000, 0)
)

// seen are the gauges of one look, by name and label.
func seen(t *testing.T, f *fake) map[string]float64 {
	t.Helper()
	gauges, _ := look(t.Context(), f, three, now)
	all := map[string]float64{}
	for _, g := range gauges {
		all[g.Name+g.LabelValue] = g.Value
	}
	return all
}

func TestOneNodeIsAskedWhileNothingIsWrong(t *testing.T) {
	f := &fake{queues: map[string][]rabbit.QueueInfo{r1: good, r2: good, r3: good}}
	all := seen(t, f)
	assert.Equal(t, []string{r1}, f.asked)
	assert.Zero(t, all["warren_queues_without_leader"])
	assert.InDelta(t, 1.7e9, all["warren_queues_seen_seconds"], 0)
}

func TestTheNodeThatSeesMostCounts(t *testing.T) {
	f := &fake{queues: map[string][]rabbit.QueueInfo{r1: bad, r2: good, r3: good}}
	assert.Zero(t, seen(t, f)["warren_queues_without_leader"], "rabbit1 is cut off")
	f = &fake{queues: map[string][]rabbit.QueueInfo{r2: bad, r3: bad}}
	assert.InDelta(t, 1, seen(t, f)["warren_queues_without_leader"], 0)
}

func TestUnknownIsNotZero(t *testing.T) {
	assert.Empty(t, seen(t, &fake{}))
}

func TestTheCertificateThatEndsFirstCounts(t *testing.T) {
	f := &fake{certificates: map[string][]*x509.Certificate{
		"rabbit2": {{NotAfter: now.Add(time.Hour)}, {NotAfter: now}}, "haproxy": {{NotAfter: now.Add(time.Minute)}},
	}}
	assert.Equal(t, map[string]float64{
		"warren_certificate_ends_secondsrabbit2": 1.7e9, "warren_certificate_ends_secondshaproxy": 1.7e9 + 60,
	}, seen(t, f))
}

func TestManyQueuesAreLookedAtLessOften(t *testing.T) {
	assert.Equal(t, 15*time.Second, pause(100*time.Millisecond, false))
	assert.Equal(t, 100*time.Second, pause(2*time.Second, false))
	assert.Equal(t, 15*time.Second, pause(2*time.Second, true), "unless something is wrong")
}

func TestWatchPutsUpWhatItSees(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := &fake{queues: map[string][]rabbit.QueueInfo{r1: good}}
	Watch(ctx, f, three, func(gauges []peer.Gauge) {
		assert.NotEmpty(t, gauges)
		cancel()
	})
	assert.Len(t, f.asked, 1)
}
