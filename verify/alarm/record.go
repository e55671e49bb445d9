package alarm

import (
	"fmt"
	"slices"
	"time"

	"warren/operate/prometheus"
	"warren/topology/monitoring"
	"warren/verify/history"
)

// Query returns, for each alert of a stack, whether it fires.
func Query(stack string) string {
	return fmt.Sprintf(`count by (alertname) (ALERTS{alertstate="firing",%s=%q})`, monitoring.LabelStack, stack)
}

// Step is the time between two evaluations of the rules.
const Step = 5 * time.Second

// Read turns the series of Query into alerts with times of a history that started at a time. A gap between
// two points that is longer than two steps ends an alert.
func Read(series []prometheus.Series, started time.Time) []Fired {
	var fired []Fired
	for _, s := range series {
		var last *Fired
		for _, p := range s.Points {
			at := p.Time.Sub(started)
			if last == nil || at-last.Span.To > 2*Step {
				fired = append(fired, Fired{s.Labels["alertname"], history.Span{From: at, To: at}})
				last = &fired[len(fired)-1]
			}
			last.Span.To = at
		}
	}
	slices.SortStableFunc(fired, func(a, b Fired) int { return int(a.Span.From - b.Span.From) })
	return fired
}
