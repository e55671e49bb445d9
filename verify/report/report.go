// Package report explains a verification run to people and programs: one HTML page that stands alone, the
// same as JSON, a JUnit file for CI systems, and a table for the terminal.
package report

import (
	"cmp"
	"slices"
	"time"

	"warren/verify/alarm"
	"warren/verify/checker"
	"warren/verify/history"
)

// Run is everything a report tells: one verification of one stack.
type Run struct {
	Stack string `json:"stack"`
	// Series is the RabbitMQ series of the stack, such as "4.3".
	Series string `json:"rabbitmqSeries"`
	// Nodes are the host names of the stack's nodes.
	Nodes []string `json:"nodes"`
	// Queue describes the queue that carried the traffic, Traffic who published and consumed at which rate.
	Queue   string `json:"queue"`
	Traffic string `json:"traffic"`
	// Seed makes a random run reproducible; 0 when nothing was random.
	Seed uint64 `json:"seed,omitempty"`

	Started   time.Time     `json:"started"`
	Took      time.Duration `json:"took"`
	Scenarios []Scenario    `json:"scenarios"`

	// Memory is what nodes and the harness used over time; none unless that was watched.
	Memory []Memory `json:"memory,omitempty"`
	// Problems are those of the run as a whole, which no scenario has: they fail it.
	Problems []string `json:"problems,omitempty"`
}

// Scenario is one fault, or one schedule of faults, played against the cluster under traffic.
type Scenario struct {
	Name string `json:"name"`
	// Description says what the fault does; Promise what the cluster owes its clients meanwhile.
	Description string `json:"description"`
	Promise     string `json:"promise"`
	// Skipped says why the scenario cannot be played on this cluster, empty if it was played.
	Skipped string `json:"skipped,omitempty"`
	// Error says what kept the scenario from its end: a fault that did not take effect, a cluster that did not
	// recover.
	Error string `json:"error,omitempty"`
	// Injected says what was done to whom, such as "killed rabbit2, which led the queue".
	Injected []string `json:"injected,omitempty"`

	Started time.Time     `json:"started"`
	Took    time.Duration `json:"took"`
	// Recovery is the time from when the last fault was healed until the cluster was fully healthy.
	Recovery time.Duration `json:"recovery"`

	Verdict checker.Verdict `json:"verdict"`
	// Alerts are those that fired, or should have; none if the stack has no Prometheus.
	Alerts []alarm.Outcome `json:"alerts,omitempty"`
	Events []history.Event `json:"events,omitempty"`
	Chart  *Chart          `json:"chart,omitempty"`
	// HistoryFile is the saved history, relative to the report.
	HistoryFile string `json:"historyFile,omitempty"`
	Logs        []Log  `json:"logs,omitempty"`
	// Smallest says which are the fewest faults that still failed, if that was looked for.
	Smallest string `json:"smallest,omitempty"`
}

// Log is what one container wrote while a scenario was played.
type Log struct {
	Container string `json:"container"`
	Text      string `json:"text"`
}

// Watched tells whether alerts were recorded in any scenario.
func (r Run) Watched() bool {
	return slices.ContainsFunc(r.Scenarios, func(s Scenario) bool { return len(s.Alerts) > 0 })
}

// Alarm is the first alert that had to fire, or else the first that fired, with the time from the fault to
// it; "-" if there is none.
func (s Scenario) Alarm() string {
	if len(s.Alerts) == 0 {
		return "-"
	}
	first := s.Alerts[0]
	if !first.Fired {
		return first.Alert + " missing"
	}
	return first.Alert + " " + Duration(first.After)
}

// Status is how a scenario or a run ended.
type Status string

// The ways in which a scenario ends.
const (
	Passed  Status = "passed"
	Failed  Status = "failed"
	Skipped Status = "skipped"
)

// Status is how the scenario ended.
func (s Scenario) Status() Status {
	switch {
	case s.Skipped != "":
		return Skipped
	case s.Error != "" || !s.Verdict.Passed():
		return Failed
	}
	return Passed
}

// Failures are the sentences that say why the scenario failed.
func (s Scenario) Failures() []string {
	var failures []string
	if s.Error != "" {
		failures = append(failures, s.Error)
	}
	if s.Smallest != "" {
		failures = append(failures, s.Smallest)
	}
	for _, v := range s.Verdict.Violations {
		failures = append(failures, v.Text)
	}
	return failures
}

// Status is Failed if any scenario failed, Skipped if none was played, else Passed.
func (r Run) Status() Status {
	switch {
	case r.Count(Failed) > 0, len(r.Problems) > 0:
		return Failed
	case r.Count(Passed) > 0:
		return Passed
	}
	return Skipped
}

// Count is the number of scenarios that ended in a way.
func (r Run) Count(status Status) int {
	n := 0
	for _, s := range r.Scenarios {
		if s.Status() == status {
			n++
		}
	}
	return n
}

// Totals adds up the messages of all scenarios.
func (r Run) Totals() (acknowledged, lost, unexpected int) {
	for _, s := range r.Scenarios {
		acknowledged += s.Verdict.Acknowledged
		lost += s.Verdict.Lost.Count
		unexpected += s.Verdict.Unexpected.Count
	}
	return acknowledged, lost, unexpected
}

// Paths are the paths that any scenario's traffic took, in order.
func (r Run) Paths() []string {
	var paths []string
	seen := map[string]bool{}
	for _, s := range r.Scenarios {
		for _, p := range s.Verdict.Paths {
			if !seen[p.Path] {
				seen[p.Path] = true
				paths = append(paths, p.Path)
			}
		}
	}
	return paths
}

// path returns the verdict on one path of a scenario; "" is all paths together.
func (s Scenario) path(name string) (checker.PathVerdict, bool) {
	if name == "" {
		return s.Verdict.Overall, s.Verdict.Attempted > 0
	}
	for _, p := range s.Verdict.Paths {
		if p.Path == name {
			return p, p.Attempted > 0
		}
	}
	return checker.PathVerdict{}, false
}

// pathName is a path as a reader sees it.
func pathName(path string) string { return cmp.Or(path, "all paths") }
