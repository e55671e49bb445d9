package alarm

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"warren/operate/prometheus"
	"warren/topology"
	"warren/topology/monitoring"
	"warren/verify/checker"
	"warren/verify/fault"
	"warren/verify/history"
)

const s = time.Second

// run is a history in which a fault takes effect after 10 s and is healed after 100 s.
func run(name string) history.History {
	return history.History{
		Traffic: history.Span{To: 120 * s},
		Faults: []history.FaultWindow{{Fault: name, Begun: 9 * s, Injected: 10 * s, Healing: 100 * s,
			Healed: 101 * s}},
	}
}

func fires(alert string, from, to time.Duration) Fired {
	return Fired{alert, history.Span{From: from, To: to}}
}

func kinds(violations []checker.Violation) []checker.Kind {
	var found []checker.Kind
	for _, v := range violations {
		found = append(found, v.Kind)
	}
	return found
}

func TestJudge(t *testing.T) {
	expected := map[string]Expectation{"broken": must("NoMajority", 30*s, "NodeDown")}
	for name, tc := range map[string]struct {
		fault string
		fired []Fired
		want  []checker.Kind
	}{
		"in time": {"broken", []Fired{fires("NoMajority", 35*s, 100*s)}, nil},
		"in time, with a consequence": {"broken",
			[]Fired{fires("NoMajority", 35*s, 100*s), fires("NodeDown", 90*s, 99*s)}, nil},
		"never": {"broken", nil, []checker.Kind{checker.AlertMissing}},
		"too late": {"broken", []Fired{fires("NoMajority", 41*s, 100*s)},
			[]checker.Kind{checker.AlertMissing}},
		"before the fault": {"broken", []Fired{fires("NoMajority", 2*s, 100*s)},
			[]checker.Kind{checker.AlertMissing}},
		"another one": {"broken", []Fired{fires("NoMajority", 35*s, 99*s),
			fires("DiskAlarm", 50*s, 60*s)}, []checker.Kind{checker.FalseAlarm}},
		"a quiet fault": {"harmless", nil, nil},
		"a quiet fault with an alert": {"harmless", []Fired{fires("NodeDown", 50*s, 60*s)},
			[]checker.Kind{checker.FalseAlarm}},
		"an alert after a quiet fault": {"harmless", []Fired{fires("NodeDown", 110*s, 115*s)},
			[]checker.Kind{checker.FalseAlarm}},
		"somebody fills the disk":     {"harmless", []Fired{fires("DiskFillsUp", 50*s, 60*s)}, nil},
		"an alert before a quiet one": {"harmless", []Fired{fires("NodeDown", 1*s, 60*s)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			_, violations := Judge(run(tc.fault), tc.fired, expected)
			assert.Equal(t, tc.want, kinds(violations))
		})
	}
}

func TestOutcomesTellTheTimeFromTheFault(t *testing.T) {
	outcomes, _ := Judge(run("broken"), []Fired{fires("NodeDown", 90*s, 95*s), fires("NoMajority", 35*s, 100*s)},
		map[string]Expectation{"broken": must("NoMajority", 30*s, "NodeDown")})
	assert.Equal(t, []Outcome{
		{"broken", "NoMajority", 25 * s, true, 30 * s}, {"broken", "NodeDown", 80 * s, true, 0},
	}, outcomes)
}

func TestReadFindsWhereAnAlertBegins(t *testing.T) {
	started := time.Unix(1_700_000_000, 0)
	at := func(seconds ...int) (points []prometheus.Point) {
		for _, second := range seconds {
			points = append(points, prometheus.Point{Time: started.Add(time.Duration(second) * s), Value: 1})
		}
		return points
	}
	fired := Read([]prometheus.Series{
		{Labels: map[string]string{"alertname": "NodeDown"}, Points: at(20, 25, 30, 60, 65)},
		{Labels: map[string]string{"alertname": "NoMajority"}, Points: at(22)},
	}, started)
	assert.Equal(t, []Fired{
		fires("NodeDown", 20*s, 30*s), fires("NoMajority", 22*s, 22*s), fires("NodeDown", 60*s, 65*s),
	}, fired)
}

// TestTheTableNamesWhatThereIs so that no typing mistake makes an expectation that nothing can fail.
func TestTheTableNamesWhatThereIs(t *testing.T) {
	alerts := map[string]monitoring.Rule{}
	for _, r := range monitoring.Rules(monitoring.Of(topology.Outputs{Stack: "test"})) {
		alerts[r.Name] = r
	}
	for _, alert := range ofTheMachine {
		assert.Contains(t, alerts, alert)
	}
	faults := fault.Names(fault.All())
	for name, e := range Table {
		assert.Contains(t, faults, name)
		for _, m := range e.Must {
			assert.Contains(t, alerts, m.Alert, name)
			assert.Greater(t, m.Within, alerts[m.Alert].For+2*Step, "%s must leave %s time to fire", name, m.Alert)
		}
		for _, alert := range e.May {
			assert.Contains(t, alerts, alert, name)
		}
	}
}
