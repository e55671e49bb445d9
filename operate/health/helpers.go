package health

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"

	"warren/operate/cluster"
	"warren/topology"
)

// HelperStatus is the state of a container that looks after the cluster. Clusters that Pulumi did not make
// have none.
type HelperStatus struct {
	Container string `json:"container"`
	// Role is a value of topology.LabelRole.
	Role string `json:"role"`
	// Node is the host name of the node whose membership it looks after, if it does.
	Node string `json:"node,omitempty"`
	// State is the container's, such as "running", "exited" or "missing".
	State string `json:"state"`
	// Health is what the container's health check has found: "healthy", "unhealthy", "starting", or empty if
	// it has none.
	Health string `json:"health,omitempty"`
	// Reason is what a health check that failed has said.
	Reason string `json:"reason,omitempty"`
}

// helpersOf are the helpers that outputs name.
func helpersOf(outputs topology.Outputs) []HelperStatus {
	var helpers []HelperStatus
	add := func(container, role, node string) {
		if container != "" {
			helpers = append(helpers, HelperStatus{Container: container, Role: role, Node: node})
		}
	}
	for _, node := range outputs.Nodes {
		add(node.Membership, topology.RoleMembership, node.Name)
	}
	add(outputs.Formation, topology.RoleFormation, "")
	add(outputs.LoadBalancer.Config, topology.RoleLoadBalancerConfig, "")
	for _, balancer := range outputs.LoadBalancers {
		if balancer.Config != outputs.LoadBalancer.Config {
			add(balancer.Config, topology.RoleLoadBalancerConfig, "")
		}
	}
	return helpers
}

// outputsIncomplete tells whether outputs were written by a version of Warren that did not name the stack
// and its helpers. Those of a cluster that Warren did not make have another network.
func outputsIncomplete(outputs topology.Outputs) bool {
	network := (&topology.Cluster{Stack: outputs.Stack}).NetworkName()
	return outputs.Stack != "" && outputs.Network == network && len(helpersOf(outputs)) < len(outputs.Nodes)+2
}

func observeHelpers(ctx context.Context, c *cluster.Cluster) ([]HelperStatus, error) {
	helpers := helpersOf(c.Outputs())
	group, ctx := errgroup.WithContext(ctx)
	for i := range helpers {
		helper := &helpers[i]
		group.Go(func() error {
			condition, err := c.Condition(ctx, helper.Container)
			helper.State, helper.Health = condition.State, condition.Health
			if !helper.OK() {
				helper.Reason = condition.Said
			}
			return err
		})
	}
	return helpers, group.Wait()
}

// OK tells whether the helper is at work.
func (h HelperStatus) OK() bool { return h.State == stateRunning && h.Health != "unhealthy" }

func (s Status) checkHelpers(problems *problemList) {
	if s.OutputsIncomplete {
		problems.add(OutputsIncomplete, Warning, "",
			"the stack's outputs do not name its helpers: they were written by an older version of Warren")
	}
	for _, helper := range s.Helpers {
		what := "the container that " + tasks[helper.Role]
		if helper.Node != "" {
			what += " of " + helper.Node
		}
		switch {
		case helper.OK():
		case helper.State == cluster.StateMissing:
			problems.add(HelperMissing, Failure, helper.Container, "%s does not exist", what)
		case helper.State != stateRunning:
			problems.add(HelperDown, Failure, helper.Container, "%s is %s", what, helper.State)
		default:
			problems.add(HelperUnhealthy, Failure, helper.Container, "%s runs, and its health check fails%s",
				what, because(helper.Reason))
		}
	}
}

// because appends what a health check has said to a sentence.
func because(said string) string {
	const most = 300 // a refusal says what to do as well
	switch {
	case said == "":
		return ""
	case len(said) > most:
		said = said[:most] + "..."
	}
	return ": " + strings.Join(strings.Fields(said), " ")
}

// tasks say what the helpers do, by their roles.
var tasks = map[string]string{
	topology.RoleMembership:         "looks after the membership",
	topology.RoleFormation:          "makes the cluster consist of the stack's nodes",
	topology.RoleLoadBalancerConfig: "hands the load balancer its configuration",
}
