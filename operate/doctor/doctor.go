// Package doctor is a troubleshooting guide as code: it looks at a running cluster, says what is wrong with it, what
// that means, and which commands mend it.
package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"warren/operate/cluster"
	"warren/operate/health"
)

// Diagnosis is one thing that is wrong.
type Diagnosis struct {
	// Name is the kind of the problem, such as "cookie-mismatch". All kinds of package cluster are diagnoses, besides
	// the ones named here.
	Name     string          `json:"name"`
	Severity health.Severity `json:"severity"`
	// Found says what was seen, and where.
	Found string `json:"found"`
	// Means says what that does to the cluster and its clients, and where it comes from.
	Means string `json:"means"`
	// Mend are the commands that mend it, in order. Lines that start with "#" explain.
	Mend []string `json:"mend"`
	// Consequence is set if another diagnosis explains this one, which goes away with it.
	Consequence bool `json:"consequence"`
}

// Diagnoses that take more than the cluster's status.
const (
	// Inconsistent means that nodes disagree about who is a member of the cluster.
	Inconsistent = "inconsistent-membership"
	// LeftByFault means that a fault was injected and never healed.
	LeftByFault = "left-by-fault"
	// Unwatched means that nothing watches over a node's membership any more.
	Unwatched = "membership-unwatched"
)

// Examination is what the doctor looks at.
type Examination struct {
	Status health.Status
	// Leftovers are what injected faults have left behind, a line each.
	Leftovers []string
	// Logs are the last lines that nodes wrote which run and do not answer, by the node's name.
	Logs map[string]string
	// Watches are the states of the containers that watch over the nodes' memberships, by the node's name. There are none of
	// them in a cluster that Pulumi did not make.
	Watches map[string]string
	// Stack is the stack's name, for commands.
	Stack string
}

// logWindow is how far back the log of a node is read that does not answer.
const logWindow = 10 * time.Minute

// FindLeftovers finds what injected faults have left behind, a line each. The wing that injects faults has one.
type FindLeftovers func(context.Context, *cluster.Cluster) ([]string, error)

// Examine looks at a cluster. What cannot be looked at because of what is wrong is left out.
func Examine(ctx context.Context, c *cluster.Cluster, leftovers FindLeftovers) (Examination, error) {
	e := Examination{Stack: c.Stack(), Logs: map[string]string{}, Watches: map[string]string{}}
	var group errgroup.Group
	group.Go(func() (err error) {
		e.Status, err = health.Observe(ctx, c)
		return err
	})
	group.Go(func() (err error) {
		e.Leftovers, err = leftovers(ctx, c)
		return err
	})
	if err := group.Wait(); err != nil {
		return e, fmt.Errorf("examine stack %q: %w", e.Stack, err)
	}
	for _, node := range c.Nodes() {
		state, err := c.State(ctx, node.Membership)
		if err != nil {
			return e, fmt.Errorf("examine stack %q: %w", e.Stack, err)
		}
		e.Watches[node.Name] = state
	}
	for _, node := range e.Status.Nodes {
		if node.Answers() || node.State == cluster.StateMissing {
			continue
		}
		log, err := c.Logs(ctx, node.Container, e.Status.Time.Add(-logWindow), e.Status.Time)
		if err != nil {
			return e, fmt.Errorf("examine stack %q: %w", e.Stack, err)
		}
		e.Logs[node.Name] = log
	}
	// Where connections land says something only if a node could be left out.
	if serving(e.Status) > 1 && e.Status.LoadBalancer.Error == "" {
		spread, err := health.MeasureSpread(ctx, c)
		if ctx.Err() != nil {
			return e, fmt.Errorf("examine stack %q: %w", e.Stack, context.Cause(ctx))
		}
		if err == nil { // else the load balancer or the cluster has a problem that its status shows
			e.Status.Spread = spread
		}
	}
	return e, nil
}

// serving counts the nodes that serve AMQP clients.
func serving(status health.Status) int {
	n := 0
	for _, node := range status.Nodes {
		if node.AMQP {
			n++
		}
	}
	return n
}

// Diagnose says what is wrong, causes before their consequences.
func Diagnose(e Examination) []Diagnosis {
	var diagnoses []Diagnosis
	if len(e.Leftovers) > 0 {
		diagnoses = append(diagnoses, leftByFault(e))
	}
	problems := e.Status.Problems()
	diagnoses = append(diagnoses, inconsistent(e, problems)...)
	diagnoses = append(diagnoses, unwatched(e)...)
	for _, problem := range problems {
		if problem.Kind == health.MembershipDiffers {
			continue // said in one piece by inconsistent
		}
		explain, known := explanations[problem.Kind]
		if !known {
			explain = unexplained
		}
		means, mend := explain(e, problem)
		diagnoses = append(diagnoses, Diagnosis{
			Name: string(problem.Kind), Severity: problem.Severity, Found: problem.String(), Means: means, Mend: mend,
			Consequence: explained(e, problems, problem),
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
func explained(e Examination, problems []health.Problem, problem health.Problem) bool {
	has := func(kinds ...health.Kind) bool {
		return slices.ContainsFunc(problems, func(p health.Problem) bool { return slices.Contains(kinds, p.Kind) })
	}
	nodeGone := has(health.NodeMissing, health.NodeDown, health.NodePaused, health.NodeBooting, health.AppStopped,
		health.CookieMismatch, health.Partition, health.MembershipDiffers)
	switch problem.Kind {
	case health.ReplicaOffline, health.QueueNoLeader, health.QueuesUnknown, health.ManagementSilent,
		health.ServerWronglyUp:
		return nodeGone
	case health.Partition:
		return has(health.CookieMismatch) || len(e.Leftovers) > 0
	case health.ServerDown, health.NodePaused:
		return len(e.Leftovers) > 0
	default:
		return false
	}
}

func leftByFault(e Examination) Diagnosis {
	return Diagnosis{
		Name: LeftByFault, Severity: health.Failure,
		Found: strings.Join(e.Leftovers, "; "),
		Means: "A fault was injected here and not healed, because its run was killed. (Nothing is wrong if a run goes on just now.)",
		Mend:  []string{"warren doctor --heal --stack " + e.Stack},
	}
}

// unwatched finds the nodes whose memberships nothing watches over, in a cluster where something does for others.
func unwatched(e Examination) []Diagnosis {
	var missing []string
	watched := 0
	for _, node := range e.Status.Nodes {
		switch e.Watches[node.Name] {
		case "running", "paused":
			watched++
		default:
			missing = append(missing, node.Name)
		}
	}
	if watched == 0 || len(missing) == 0 {
		return nil
	}
	return []Diagnosis{{
		Name: Unwatched, Severity: health.Warning,
		Found: strings.Join(missing, ", ") + ": the container that watches over its membership is gone",
		Means: "The node had left the cluster, or had come back without its replicas; so the watch ended, for the next deployment to repair " +
			"the node and to start it again.",
		Mend: []string{"pulumi up --stack " + e.Stack},
	}}
}

// signature of a node that cannot start because others do not count it as a member, or it counts itself to another cluster.
var inconsistentSignatures = []string{"inconsistent_cluster", "thinks it's clustered with", "thinks it's part of"}

// inconsistent finds the nodes about whose membership others disagree.
func inconsistent(e Examination, problems []health.Problem) []Diagnosis {
	var diagnoses []Diagnosis
	for _, node := range e.Status.Nodes {
		var found []string
		for _, problem := range problems {
			if problem.Kind == health.MembershipDiffers && oddOneOut(e.Status, problem.Subject) == node.Name {
				found = append(found, problem.String())
			}
		}
		for _, line := range strings.Split(e.Logs[node.Name], "\n") {
			if matches(line, inconsistentSignatures) {
				found = append(found, node.Name+" logs: "+strings.TrimSpace(line))
				break
			}
		}
		if len(found) > 0 {
			diagnoses = append(diagnoses, inconsistentNode(e, node, found))
		}
	}
	return diagnoses
}

func matches(line string, signatures []string) bool {
	return slices.ContainsFunc(signatures, func(signature string) bool { return strings.Contains(line, signature) })
}
