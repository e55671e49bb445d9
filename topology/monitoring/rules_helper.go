package monitoring

import "warren/topology/meaning"

// jobAgents is what the readings of agents are called.
const jobAgents = "warren"

// clock is the clock of an agent's machine.
const clock = `warren_agent_time_seconds{job="warren"}`

func helperRules(s Stack) []Rule {
	return []Rule{
		{
			Name:     "HelperDown",
			Expr:     `up{job="warren",role!="node"} == 0`,
			For:      afterRestart,
			Severity: Warning,
			Summary:  "The helper {{ $labels.container }} does not answer.",
			Means:    meaning.HelperGone,
			Fix:      []string{s.doctor(), logs, "docker start {{ $labels.container }}"},
		},
		{
			Name:     "HelperUnhealthy",
			Expr:     `warren_agent_phase{job="warren",phase=~"lost|refused"} == 1`,
			For:      soon,
			Severity: Warning,
			Summary:  "What the helper {{ $labels.container }} is to bring about is {{ $labels.phase }}.",
			Means:    meaning.HelperUnhealthy,
			Fix:      []string{s.doctor(), logs, "pulumi up --stack " + s.Name},
		},
		{
			Name:     "ClockSkew",
			Expr:     `abs(` + clock + ` - timestamp(` + clock + `)) > 5`,
			For:      afterRestart,
			Severity: Warning,
			Summary:  "The clock of {{ $labels.agent }} differs from Prometheus' by {{ $value | humanizeDuration }}.",
			Means: "Messages expire too early or too late, and logs of several hosts are in no order. " +
				"Certificates may not be taken for valid.",
			Fix: []string{"timedatectl  # on the host of {{ $labels.container }}, and on that of Prometheus"},
		},
	}
}
