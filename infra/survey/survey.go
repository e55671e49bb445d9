// Package survey looks at what is there of a cluster before a deployment: what the engine has, and what the
// cluster says of itself. The planner decides by that.
package survey

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"

	"warren/agent/plan"
	"warren/infra/agentbinary"
	"warren/infra/engine"
	"warren/topology"
)

// lookTimeout bounds the cluster's own answer. It takes a look at every queue.
const lookTimeout = 2 * time.Minute

// Found is what is there.
type Found struct {
	// View is the cluster, with the stack's nodes that are not there yet.
	View plan.View
	// Volumes are the names of the nodes that have a volume.
	Volumes []string
	// Memberships are the memberships' containers, by the name of their node.
	Memberships map[string]Membership
}

// Membership is the container of a membership.
type Membership struct {
	// Generation is the value of its label LabelGeneration.
	Generation string
	// Lost tells that it does not do its work any more.
	Lost bool
}

// Desired is what a deployment desires. The Erlang cookie is empty if it is not known yet.
func Desired(cluster *topology.Cluster, cookie string) plan.Desired {
	d := plan.Desired{Scope: plan.ScopeDeployment, Nodes: Nodes(cluster.Nodes), Series: cluster.Series}
	if cookie != "" {
		d.Cookie = topology.Secrets{ErlangCookie: cookie}.CookieFingerprint(cluster.Stack)
		d.Owner = d.Cookie
	}
	return d
}

// Nodes are a cluster's nodes as the planner takes them.
func Nodes(nodes []topology.Node) []plan.DesiredNode {
	desired := make([]plan.DesiredNode, len(nodes))
	for i, n := range nodes {
		desired[i] = plan.DesiredNode{Name: plan.NodeName(n.NodeName()), Type: n.Type, Seed: i < topology.SeedCount}
	}
	return desired
}

// Look looks at what is there of a cluster. It changes nothing.
func Look(ctx context.Context, docker engine.Client, cluster *topology.Cluster) (*Found, error) {
	containers, err := docker.ContainerList(ctx, container.ListOptions{All: true, Filters: engine.OfStack(cluster.Stack)})
	if err != nil {
		return nil, fmt.Errorf("list the containers of stack %s: %w", cluster.Stack, err)
	}
	volumes, err := docker.VolumeList(ctx, volume.ListOptions{Filters: engine.OfStack(cluster.Stack)})
	if err != nil {
		return nil, fmt.Errorf("list the volumes of stack %s: %w", cluster.Stack, err)
	}
	found := &Found{Memberships: map[string]Membership{}}
	for _, c := range containers {
		if c.Labels[topology.LabelRole] == topology.RoleMembership {
			found.Memberships[c.Labels[topology.LabelNode]] = Membership{
				Generation: c.Labels[topology.LabelGeneration],
				Lost:       c.State != container.StateRunning || strings.Contains(c.Status, "("+container.Unhealthy+")"),
			}
		}
	}
	for _, v := range volumes.Volumes {
		if v.Labels[topology.LabelRole] == topology.RoleNode {
			found.Volumes = append(found.Volumes, v.Labels[topology.LabelNode])
		}
	}
	found.View = ask(ctx, docker, cluster, containers)
	complete(&found.View, cluster, containers, volumes.Volumes)
	return found, nil
}

// ask lets an agent look at the cluster. If none answers, nothing is known.
func ask(ctx context.Context, docker engine.Client, cluster *topology.Cluster, containers []container.Summary) plan.View {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	desired, err := json.Marshal(plan.Desired{Nodes: Nodes(cluster.Nodes)})
	if err != nil {
		return plan.View{}
	}
	for _, c := range withAgent(containers) {
		status, output, err := engine.Exec(ctx, docker, c.ID, container.ExecOptions{
			User: "rabbitmq",
			Env:  []string{"HOME=" + topology.DataPath, topology.DesiredVariable + "=" + string(desired)},
			Cmd:  []string{agentbinary.Path, "look"},
		})
		var view plan.View
		if err == nil && status == 0 && json.Unmarshal([]byte(output), &view) == nil {
			return view
		}
	}
	return plan.View{}
}

// withAgent are the running containers that have an agent: the helpers first, which are not busy.
func withAgent(containers []container.Summary) []container.Summary {
	roles := []string{topology.RoleFormation, topology.RoleMembership, topology.RoleNode}
	var able []container.Summary
	for _, role := range roles {
		for _, c := range containers {
			if c.State == container.StateRunning && c.Labels[topology.LabelRole] == role {
				able = append(able, c)
			}
		}
	}
	return able
}

// complete adds what the engine knows to what the cluster says.
func complete(view *plan.View, cluster *topology.Cluster, containers []container.Summary, volumes []*volume.Volume) {
	names := make([]string, 0, len(cluster.Nodes))
	for _, n := range cluster.Nodes {
		names = append(names, n.Name)
	}
	for _, c := range containers {
		names = append(names, c.Labels[topology.LabelNode])
	}
	for _, v := range volumes {
		names = append(names, v.Labels[topology.LabelNode])
	}
	for _, name := range names {
		node := plan.NodeName(topology.Node{Name: name}.NodeName())
		known := func(n plan.Node) bool { return n.Name == node }
		if name != "" && !slices.ContainsFunc(view.Nodes, known) {
			view.Nodes = append(view.Nodes, plan.Node{Name: node})
		}
	}
	for i := range view.Nodes {
		completeNode(&view.Nodes[i], containers, volumes)
	}
}

func completeNode(n *plan.Node, containers []container.Summary, volumes []*volume.Volume) {
	_, host, _ := strings.Cut(string(n.Name), "@")
	c := slices.IndexFunc(containers, func(c container.Summary) bool {
		return c.Labels[topology.LabelRole] == topology.RoleNode && c.Labels[topology.LabelNode] == host
	})
	n.Container = plan.Known(c >= 0)
	switch {
	case c < 0 || containers[c].State != container.StateRunning:
		if !n.Running() {
			n.State = plan.Down
		}
	case n.State == plan.StateUnknown && strings.Contains(containers[c].Status, "("+container.Healthy+")"):
		// No agent answers, as in a stack of an older Warren. The engine's own check of the node is left.
		n.State = plan.Serving
	}
	if c >= 0 {
		labels := containers[c].Labels
		if cookie := labels[topology.LabelCookie]; cookie != "" {
			n.Cookie = plan.Known(cookie)
		}
		if _, known := n.Version.Get(); !known && labels[topology.LabelSeries] != "" {
			n.Version = plan.Known(labels[topology.LabelSeries])
		}
	}
	v := slices.IndexFunc(volumes, func(v *volume.Volume) bool {
		return v.Labels[topology.LabelRole] == topology.RoleNode && v.Labels[topology.LabelNode] == host
	})
	if v < 0 {
		n.Data, n.ClusterID = plan.Known(false), plan.Known("")
	} else {
		n.Owner = plan.Known(volumes[v].Labels[topology.LabelOwner])
	}
}

// HasVolume tells whether a node has a volume, which makes it a member, or a node that may become one.
func (f *Found) HasVolume(n topology.Node) bool { return slices.Contains(f.Volumes, n.Name) }

// Order is the order in which a deployment changes the nodes of a cluster: groups of nodes that are changed
// together, each when the one before it is complete. It fails if the planner refuses the deployment, for
// whatever reason but the secrets, which may not be known yet; preflight knows them.
func (f *Found) Order(cluster *topology.Cluster) ([][]topology.Node, error) {
	view := f.View
	view.Nodes = slices.Clone(view.Nodes)
	for i := range view.Nodes {
		view.Nodes[i].Cookie, view.Nodes[i].Owner = plan.Maybe[string]{}, plan.Maybe[string]{}
	}
	decision := plan.Plan(view, Desired(cluster, ""))
	if refused := problems(decision); len(refused) > 0 {
		return nil, errors.New(strings.Join(refused, "\n"))
	}
	var order [][]topology.Node
	for _, action := range decision.Actions {
		if action.Verb != plan.ChangeNodes {
			continue
		}
		var group []topology.Node
		for _, name := range action.Nodes {
			i := slices.IndexFunc(cluster.Nodes, func(n topology.Node) bool { return n.NodeName() == string(name) })
			if i >= 0 {
				group = append(group, cluster.Nodes[i])
			}
		}
		order = append(order, group)
	}
	return order, nil
}

// Problems are what the planner refuses of a deployment, and what it would have to know.
func (f *Found) Problems(desired plan.Desired) []string { return problems(plan.Plan(f.View, desired)) }

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

// Generation is the generation of a node's membership. A node that does not serve, and one whose membership
// is lost, gets a new membership, which makes it a member in good order again and waits for that.
func (f *Found) Generation(n topology.Node) string {
	membership, exists := f.Memberships[n.Name]
	if !exists {
		return "1"
	}
	generation := membership.Generation
	i := slices.IndexFunc(f.View.Nodes, func(v plan.Node) bool { return string(v.Name) == n.NodeName() })
	if membership.Lost || i >= 0 && f.View.Nodes[i].State != plan.Serving {
		var last int
		_, _ = fmt.Sscan(generation, &last) // none is 0
		return fmt.Sprint(last + 1)
	}
	return generation
}
