package scenario

import (
	"context"
	"fmt"
	"time"

	"warren/verify/alarm"
	"warren/verify/checker"
	"warren/verify/history"
	"warren/verify/report"
)

// alertsTimeout bounds the question for the alerts of a scenario.
const alertsTimeout = time.Minute

// hold is how long a fault stays: as long as its step says, or until its alerts are due.
func (r Runner) hold(step Step) time.Duration {
	if !r.MustAlert {
		return step.Hold
	}
	return max(step.Hold, alarm.Table[step.Fault.Name].Hold())
}

// judgeAlerts adds to a result which alerts fired when. What fired and should not have is a broken promise
// in any run; what did not fire is one only if faults were held for it. Of faults that overlap nobody can
// tell which alerts they explain together: those are recorded only.
func (r Runner) judgeAlerts(ctx context.Context, s Scenario, h history.History, result *report.Scenario) {
	if r.Alerts == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), alertsTimeout)
	defer cancel()
	series, err := r.Alerts(ctx, h.Started, h.Started.Add(h.End()))
	if err != nil {
		result.Verdict.Violations = append(result.Verdict.Violations, checker.Violation{
			Kind: checker.ProvesNothing, Text: fmt.Sprintf("Which alerts fired is not known: %v.", err),
		})
		return
	}
	expected := alarm.Table
	if !r.MustAlert {
		expected = alarm.Lenient(expected)
	}
	outcomes, violations := alarm.Judge(h, alarm.Read(series, h.Started), expected)
	result.Alerts = outcomes
	if s.Plan == nil {
		result.Verdict.Violations = append(result.Verdict.Violations, violations...)
	}
}
