package survey

import (
	"cmp"
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
	desired := Desired(cluster, "", "")
	f.hosts(cluster, &desired)
	decision := plan.Plan(view, desired)
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
	f.hosts(cluster, &desired)
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
	at := Place{cluster.FormationHostName(), cluster.FormationContainerName()}
	c := f.Containers[at]
	return f.generation(at, c.Lost || c.Working)
}

// Generation is the generation of the container of that name on a host. One that is lost gets another, by
// which it is replaced.
func (f *Found) Generation(host, container string) string {
	at := Place{host, container}
	return f.generation(at, f.Containers[at].Lost)
}

// GenerationOf is Generation, and the first one if nobody looked.
func (f *Found) GenerationOf(host, container string) string {
	if f == nil {
		return "1"
	}
	return f.Generation(host, container)
}

// MembershipGeneration is the generation of a node's membership. A node that does not serve, and one whose
// membership is lost, gets a new membership, which makes it a member in good order again and waits for that.
func (f *Found) MembershipGeneration(cluster *topology.Cluster, n topology.Node) string {
	at := Place{n.Host, cluster.MembershipContainerName(n)}
	i := slices.IndexFunc(f.View.Nodes, func(v plan.Node) bool { return string(v.Name) == n.NodeName() })
	return f.generation(at, f.Containers[at].Lost || i >= 0 && f.View.Nodes[i].State != plan.Serving)
}

// generation is the next generation of a container, or the one that it has. One that is not there may be
// known to the state, and gets a generation that the state has not.
func (f *Found) generation(at Place, next bool) string {
	c := f.Containers[at]
	if c.ID == "" {
		return cmp.Or(f.renewal(at.Host, false), "1")
	}
	var last int
	_, _ = fmt.Sscan(c.Generation, &last) // none is 0
	if last == 0 {
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
	if c, exists := f.Containers[Place{n.Host, cluster.ContainerName(n)}]; exists {
		return c.HadData
	}
	return !group.Action.MayFound
}

// OpenFiles is the limit on open files that the containers of nodes on a host have; 0 if that is not known.
func (f *Found) OpenFiles(cluster *topology.Cluster, host string) int {
	for _, n := range cluster.Nodes {
		if has := f.Containers[Place{host, cluster.ContainerName(n)}].OpenFiles; has > 0 {
			return has
		}
	}
	return 0
}
