package survey

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"warren/agent/plan"
	"warren/topology"
)

// Group are nodes that are changed together.
type Group struct {
	Nodes []topology.Node
	// Action is the planner's, with what each node needs before it is changed.
	Action plan.Action
}

// Order is the order in which a deployment changes the nodes of a cluster: groups of nodes that are changed
// together, each when the one before it is complete. It fails if the planner refuses the deployment, for
// whatever reason but the secrets and the owner, which may not be known yet; preflight knows them.
func (f *Found) Order(cluster *topology.Cluster) ([]Group, error) {
	view := f.View
	view.Nodes = slices.Clone(view.Nodes)
	for i := range view.Nodes {
		view.Nodes[i].Cookie, view.Nodes[i].Owner = plan.Maybe[string]{}, plan.Maybe[string]{}
	}
	decision := plan.Plan(view, Desired(cluster, "", ""))
	if refused := problems(decision); len(refused) > 0 {
		return nil, errors.New(strings.Join(refused, "\n"))
	}
	var order []Group
	for _, action := range decision.Actions {
		if action.Verb != plan.ChangeNodes {
			continue
		}
		group := Group{Action: action}
		for _, name := range action.Nodes {
			i := slices.IndexFunc(cluster.Nodes, func(n topology.Node) bool { return n.NodeName() == string(name) })
			if i >= 0 {
				group.Nodes = append(group.Nodes, cluster.Nodes[i])
			}
		}
		order = append(order, group)
	}
	return order, nil
}

// Problems are what the planner refuses of a deployment, what it would have to know, and what was made from
// another state.
func (f *Found) Problems(cluster *topology.Cluster, desired plan.Desired) []string {
	if renamed := f.Last.renamed(cluster); renamed != "" {
		return []string{renamed}
	}
	view, foreign := f.owned(desired.Owner)
	texts := problems(plan.Plan(view, desired))
	if len(foreign) > 0 && len(texts) == 0 {
		texts = append(texts, foreignProblem(foreign))
	}
	return texts
}

func problems(decision plan.Decision) []string {
	var texts []string
	for _, r := range decision.Refusals {
		texts = append(texts, r.Text())
	}
	if len(decision.Actions) == 0 && len(decision.Refusals) == 0 {
		for _, w := range decision.Waiting {
			texts = append(texts, fmt.Sprintf("nothing can be decided until %s", w))
		}
	}
	return texts
}

// FormationGeneration is the generation of the formation. One that is abandoned is replaced.
func (f *Found) FormationGeneration(cluster *topology.Cluster) string {
	c := f.Containers[cluster.FormationContainerName()]
	return generation(c, c.Lost || c.Working)
}

// Generation is the generation of the container of that name. One that is lost gets another, by which it is
// replaced.
func (f *Found) Generation(container string) string {
	c := f.Containers[container]
	return generation(c, c.Lost)
}

// MembershipGeneration is the generation of a node's membership. A node that does not serve, and one whose
// membership is lost, gets a new membership, which makes it a member in good order again and waits for that.
func (f *Found) MembershipGeneration(cluster *topology.Cluster, n topology.Node) string {
	membership := f.Containers[cluster.MembershipContainerName(n)]
	i := slices.IndexFunc(f.View.Nodes, func(v plan.Node) bool { return string(v.Name) == n.NodeName() })
	return generation(membership, membership.Lost || i >= 0 && f.View.Nodes[i].State != plan.Serving)
}

func generation(c Container, next bool) string {
	var last int
	_, _ = fmt.Sscan(c.Generation, &last) // none is 0
	if c.ID == "" || last == 0 {
		return "1"
	}
	if next {
		last++
	}
	return fmt.Sprint(last)
}

// HadData tells whether the container of a node, of a group, is one that must not found a cluster. A
// container that is there keeps what it was created with.
func (f *Found) HadData(cluster *topology.Cluster, n topology.Node, group Group) bool {
	if c, exists := f.Containers[cluster.ContainerName(n)]; exists {
		return c.HadData
	}
	return !group.Action.MayFound
}

// Keeps tells whether a deployment leaves a node as it is: while a host is away, a node on it can't be
// changed, and one that serves must not be, because the cluster may need it for its majority.
func (f *Found) Keeps(n topology.Node) bool {
	if len(f.Away) == 0 {
		return false
	}
	i := slices.IndexFunc(f.View.Nodes, func(v plan.Node) bool { return string(v.Name) == n.NodeName() })
	return f.IsAway(n.Host) || i >= 0 && f.View.Nodes[i].Running()
}

// IsAway tells whether the engine of a host does not answer.
func (f *Found) IsAway(host string) bool { return slices.Contains(f.Away, host) }
