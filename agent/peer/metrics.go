package peer

import (
	"fmt"
	"io"
	"time"
)

// phases are all there are.
var phases = []Phase{Preparing, Running, Stopping, Working, Done, Lost, Refused}

// writeMetrics writes how an agent stands, in the text format that Prometheus reads.
func writeMetrics(w io.Writer, status Status, now time.Time) {
	seconds := func(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
	fmt.Fprint(w, "# HELP warren_agent_phase Whether the agent is in a phase.\n# TYPE "+
		"warren_agent_phase gauge\n")
	for _, phase := range phases {
		is := 0
		if status.Phase == phase {
			is = 1
		}
		fmt.Fprintf(w, "warren_agent_phase{phase=%q} %d\n", phase, is)
	}
	fmt.Fprintf(w, "# HELP warren_agent_phase_since_seconds When the phase began.\n"+
		"# TYPE warren_agent_phase_since_seconds gauge\nwarren_agent_phase_since_seconds %.3f\n",
		seconds(status.Since))
	fmt.Fprintf(w, "# HELP warren_agent_time_seconds The clock of the agent's machine.\n"+
		"# TYPE warren_agent_time_seconds gauge\nwarren_agent_time_seconds %.3f\n", seconds(now))
}
