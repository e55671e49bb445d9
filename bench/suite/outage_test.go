package suite

import (
	"warren/bench/crew"

	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"warren/verify/checker"
	"warren/verify/history"
	"warren/verify/report"
)

const ms = time.Millisecond

func TestOutageIsTheLongestPauseOfTheCrewsPaths(t *testing.T) {
	anyNode, balanced := crew.Warren.Path(history.AnyNode), crew.Warren.Path(history.LoadBalancer)
	h := history.History{Paths: []string{anyNode, balanced, crew.Peer.Path(history.AnyNode)}, Drained: true,
		Traffic: history.Span{To: 1000 * ms}}
	confirmed := func(path, id string, at time.Duration, delivered bool) {
		h.Publishes = append(h.Publishes,
			history.Publish{ID: id, Path: path, At: at, Done: at, Outcome: history.Confirmed})
		if delivered {
			h.Deliveries = append(h.Deliveries, history.Delivery{ID: id, Path: path, At: at})
		}
	}
	for i := range 10 {
		at := time.Duration(i+1) * 100 * ms
		if at < 300*ms || at > 600*ms {
			confirmed(anyNode, "a"+at.String(), at, true)
		}
		if at < 200*ms || at > 800*ms {
			confirmed(balanced, "b"+at.String(), at, at != 900*ms)
		}
		confirmed(crew.Peer.Path(history.AnyNode), "p"+at.String(), at, false)
	}
	values := outageValues(checker.Check(h, nil), h, crew.Warren, 850*ms)
	assert.InDelta(t, 0.5, values["confirms, any node"], 1e-9)
	assert.InDelta(t, 0.8, values["confirms, load balancer"], 1e-9)
	assert.InDelta(t, 0.9, values["deliveries, load balancer"], 1e-9)
	assert.InDelta(t, 0.05, values[afterRestart.Name], 1e-9)
	assert.Equal(t, 1.0, values["lost"], "the peer's losses are its own")
	assert.NotContains(t, outageValues(checker.Check(h, nil), h, crew.Warren, 0), afterRestart.Name)
}

func TestServedAgainFindsTheEvent(t *testing.T) {
	h := history.History{Events: []history.Event{{At: 3 * ms, Text: "hold"},
		{At: 9 * ms, Kind: history.Note, Text: servesAgain}}}
	assert.Equal(t, 9*ms, servedAgain(h))
	assert.Zero(t, servedAgain(history.History{}))
}

func TestAlarmsInLogs(t *testing.T) {
	node := `2026-11-23T03:04:40Z 2026-11-23 03:04:40.630761+00:00 [info] <0.886.0> rabbit on node rabbit@rabbit2 down
2026-11-23T03:04:40Z 2026-11-23 03:04:40.796795+00:00 [info] <0.886.0> node rabbit@rabbit2 down: connection_closed
`
	assert.Len(t, linkLost.FindAllString(node, -1), 1)
	balancer := `2026-11-23T03:04:40Z [WARNING]  (9) : Server amqp/rabbit2 is DOWN, reason: Layer4 timeout, check duration: 501ms.
2026-11-23T03:04:40Z Server amqp/rabbit2 is DOWN, reason: Layer4 timeout, check duration: 501ms.
2026-11-23T03:04:40Z Server accepting/rabbit2 is DOWN, reason: Layer4 timeout, check duration: 501ms.
2026-11-23T03:04:50Z Server amqp/rabbit2 is UP, reason: Layer4 check passed.
`
	assert.Len(t, serverDown.FindAllString(balancer, -1), 1)
}

func TestTermsInMetrics(t *testing.T) {
	metrics := `# TYPE rabbitmq_raft_term gauge
rabbitmq_raft_term{module="rabbit_khepri",ra_system="coordination"} 2.0
rabbitmq_raft_term{queue="a",vhost="/"} 3.0
rabbitmq_raft_term_and_voted_for_updates{module="rabbit_khepri",ra_system="coordination"} 9.0
`
	matches := raftTerm.FindAllStringSubmatch(metrics, -1)
	assert.Len(t, matches, 2)
	assert.Equal(t, "3.0", matches[1][2])
}

func TestDisconnectionsAreCounted(t *testing.T) {
	h := history.History{Events: []history.Event{
		{Kind: history.Client, Text: "connecting"}, {Kind: history.Client, Text: "connected"},
		{Kind: history.Client, Text: "disconnected: connection lost: EOF"},
		{Kind: history.Note, Text: "disconnected"}}}
	assert.Equal(t, 1, countDisconnected(h))
}

func TestAccountTellsWhereTheTimeWent(t *testing.T) {
	started := time.Date(2026, 11, 23, 3, 4, 40, 0, time.UTC)
	at := func(ms int, text string) string {
		return "2026-11-23T03:04:40Z " + started.Add(time.Duration(ms)*time.Millisecond).Format(
			"2006-01-02 15:04:05.000000-07:00") + " [info] <0.1.0> " + text + "\n"
	}
	logs := []report.Log{{Container: "rabbit1",
		Text: at(100, "queue 'q' in vhost '/': candidate -> leader in term: 1 machine version: 8") +
			at(1050, "queue 'q' in vhost '/': Leader monitor down with noconnection, setting election timeout") +
			at(1020, "queue 'other' in vhost '/': Leader monitor down with noconnection, setting election timeout")},
		{Container: "rabbit3", Text: at(1040, "queue 'q' in vhost '/': Leader monitor down with noconnection, "+
			"setting election timeout") +
			at(1190, "queue 'q' in vhost '/': candidate -> leader in term: 2 machine version: 8, last applied 64")}}
	h := history.History{Started: started, Faults: []history.FaultWindow{{Begun: 990 * ms}}}
	for path, moments := range map[string][]int{history.AnyNode: {980, 1000, 1200, 1220},
		history.LoadBalancer: {990, 1400}} {
		for _, m := range moments {
			h.Publishes = append(h.Publishes, history.Publish{Path: crew.Warren.Path(path), Outcome: history.Confirmed,
				Done: time.Duration(m) * ms})
		}
	}
	parts := breakdown(h, logs, crew.Warren, "q")
	assert.InDelta(t, 0.040, parts[partDetection.Name], 1e-6)
	assert.InDelta(t, 0.150, parts[partElection.Name], 1e-6)
	assert.InDelta(t, 0.010, parts[partAnyNode.Name], 1e-6)
	assert.InDelta(t, 0.210, parts[partBalanced.Name], 1e-6)
	assert.Empty(t, breakdown(h, nil, crew.Warren, "q"))
}
