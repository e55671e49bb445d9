package peer

import (
	"fmt"
	"io"
	"strconv"
	"time"
)

// Gauge is a value for Prometheus. Those of the same name follow each other.
type Gauge struct {
	Name, Help string
	// Label and LabelValue tell those of the same name apart; Label is empty if there is one only.
	Label, LabelValue string
	Value             float64
}

// phases are all there are.
var phases = []Phase{Preparing, Running, Stopping, Working, Done, Lost, Refused}

// gauges are how an agent stands.
func gauges(status Status, now time.Time) []Gauge {
	var all []Gauge
	for _, phase := range phases {
		is := 0.0
		if status.Phase == phase {
			is = 1
		}
		all = append(all, Gauge{Name: "warren_agent_phase", Help: "Whether the agent is in a phase.",
			Label: "phase", LabelValue: string(phase), Value: is})
	}
	seconds := func(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
	return append(all,
		Gauge{Name: "warren_agent_phase_since_seconds", Help: "When the phase began.",
			Value: seconds(status.Since)},
		Gauge{Name: "warren_agent_time_seconds", Help: "The clock of the agent's machine.", Value: seconds(now)},
	)
}

// writeMetrics writes gauges in the text format that Prometheus reads.
func writeMetrics(w io.Writer, gauges []Gauge) {
	last := ""
	for _, g := range gauges {
		if g.Name != last {
			fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s gauge\n", g.Name, g.Help, g.Name)
			last = g.Name
		}
		labels := ""
		if g.Label != "" {
			labels = fmt.Sprintf("{%s=%q}", g.Label, g.LabelValue)
		}
		fmt.Fprintf(w, "%s%s %s\n", g.Name, labels, strconv.FormatFloat(g.Value, 'f', -1, 64))
	}
}
