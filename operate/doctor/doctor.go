// Package doctor is a troubleshooting guide as code: it looks at a running cluster, says what is wrong with
// it, what that means, and which commands fix it.
//
// What it advises is safe to paste. Names are quoted for the shell. What may be lost is said before the
// command that may lose it. Where a node would leave its cluster or give up its data, it shows what the
// planner decides, as `pulumi up` does.
package doctor

import (
	"slices"
	"strings"

	"warren/operate/health"
)

// Diagnosis is one thing that is wrong.
type Diagnosis struct {
	// Name is the kind of the problem, such as "cookie-mismatch". All kinds of package health are diagnoses,
	// together with the ones named here.
	Name     string          `json:"name"`
	Severity health.Severity `json:"severity"`
	// Found says what was seen, and where.
	Found string `json:"found"`
	// Means says what that does to the cluster and its clients, and where it comes from.
	Means string `json:"means"`
	// Fix are the commands that fix it, in order. Lines that start with "#" explain.
	Fix []string `json:"fix"`
	// Consequence is set if another diagnosis explains this one, which goes away with it.
	Consequence bool `json:"consequence"`
}

// Diagnoses that take more than the cluster's status.
const (
	// Inconsistent means that nodes disagree about who is a member of the cluster.
	Inconsistent = "inconsistent-membership"
	// LeftByFault means that a fault was injected and never healed.
	LeftByFault = "left-by-fault"
)

// Diagnose says what is wrong, causes before their consequences.
func Diagnose(e Examination) []Diagnosis {
	c := newConsultation(e)
	var diagnoses []Diagnosis
	if len(e.Leftovers) > 0 {
		diagnoses = append(diagnoses, leftByFault(e))
	}
	problems := e.Status.Problems()
	diagnoses = append(diagnoses, c.inconsistent(problems)...)
	kinds := map[health.Kind]bool{}
	for _, problem := range problems {
		kinds[problem.Kind] = true
	}
	for _, problem := range problems {
		if problem.Kind == health.MembershipDiffers {
			continue // said in one piece by inconsistent
		}
		explain, known := explanations[problem.Kind]
		if !known {
			explain = unexplained
		}
		means, fix := explain(c, problem)
		diagnoses = append(diagnoses, Diagnosis{
			Name: string(problem.Kind), Severity: problem.Severity, Found: problem.String(), Means: means, Fix: fix,
			Consequence: explained(kinds, len(e.Leftovers) > 0, problem.Kind),
		})
	}
	slices.SortStableFunc(diagnoses, func(a, b Diagnosis) int { return rank(a) - rank(b) })
	return diagnoses
}

// rank sorts causes before consequences, and failures before warnings.
func rank(d Diagnosis) int {
	switch {
	case d.Consequence:
		return 2
	case d.Severity == health.Warning:
		return 1
	default:
		return 0
	}
}

// explained tells whether a problem follows from another one.
func explained(found map[health.Kind]bool, leftovers bool, kind health.Kind) bool {
	has := func(kinds ...health.Kind) bool {
		return slices.ContainsFunc(kinds, func(k health.Kind) bool { return found[k] })
	}
	nodeGone := has(health.NodeMissing, health.NodeDown, health.NodePaused, health.NodeBooting,
		health.AppStopped,
		health.NodeDrained, health.CookieMismatch, health.Partition, health.MembershipDiffers)
	switch kind {
	case health.ReplicaOffline, health.QueueNoLeader, health.QueueDown, health.ManagementSilent,
		health.ServerWronglyUp:
		return nodeGone
	case health.QueuesUnknown:
		return nodeGone || has(health.ManagementRefuses)
	case health.Partition:
		return has(health.CookieMismatch, health.MembershipDiffers) || leftovers
	case health.SeriesDiffers:
		return has(health.VersionMismatch)
	case health.ServerDown, health.NodePaused, health.HelperDown:
		return leftovers
	default:
		return false
	}
}

func leftByFault(e Examination) Diagnosis {
	return Diagnosis{
		Name: LeftByFault, Severity: health.Failure,
		Found: strings.Join(e.Leftovers, "; "),
		Means: "A fault was injected here and not healed, because its run was killed. (If a run is in progress, " +
			"nothing is wrong.)",
		Fix: []string{shell("warren", "doctor", "--heal", "--stack", e.Stack)},
	}
}
