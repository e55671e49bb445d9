// Package survey looks at what is there of a cluster before a deployment: what the engine has, and what the
// cluster says of itself. The planner decides by that.
package survey

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
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
	// Containers are the stack's containers.
	Containers map[Place]Container
	// Last is what the stack's own state says of its last deployment.
	Last Last
	// Away are the hosts whose engines don't answer. What they have is not among what was found.
	Away []string
	// changed are the nodes that a deployment changes although hosts are away. See Change.
	changed []string
	// things are the stack's containers, volumes and networks with who made them.
	things []thing
	inventory
}

// Container is a container of the stack.
type Container struct {
	ID string
	// Generation is the value of its label LabelGeneration.
	Generation string
	// Lost tells that it does not do its work any more and will not by itself: it was stopped, or is a helper
	// whose health check has failed.
	Lost bool
	// Working tells that it is a helper that has not brought its work about yet.
	Working bool
	// HadData tells that the stack had data when the container of a node was created.
	HadData bool
	// OpenFiles is the limit on open files that a node's container was given; 0 if that is not known.
	OpenFiles int
	// Settings is the fingerprint of what a node's container was made from, and Image the ID of its image.
	Settings, Image string
}

// Desired is what a deployment desires. The Erlang cookie and the owner are empty if they are not known yet.
func Desired(cluster *topology.Cluster, cookie, owner string) plan.Desired {
	d := plan.Desired{
		Scope: plan.ScopeDeployment, Stack: cluster.Stack, Nodes: Nodes(cluster.Nodes), Series: cluster.Series,
		Owner: owner, Distribution: cluster.Distribution(),
	}
	if cookie != "" {
		d.Cookie = topology.Secrets{ErlangCookie: cookie}.CookieFingerprint(cluster.Stack)
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
//
// docker stands for the engines that answer. What is on hosts that are away stays unknown, but for what their
// peers say.
func Look(
	ctx context.Context, docker engine.Client, cluster *topology.Cluster, last Last, away ...string,
) (*Found, error) {
	found := &Found{
		Containers: map[Place]Container{}, Last: last, Away: away, inventory: newInventory(time.Now()),
	}
	var containers []container.Summary
	var volumes []*volume.Volume
	for _, host := range engine.HostsOf(docker) {
		of, err := list(ctx, host.Client, cluster)
		if err != nil {
			return nil, fmt.Errorf("%w%s", err, onHost(host.Name))
		}
		found.add(host.Name, of)
		containers, volumes = append(containers, of.containers...), append(volumes, of.volumes...)
	}
	found.View = ask(ctx, docker, cluster, containers)
	complete(&found.View, cluster, containers, volumes, away)
	for i := range found.View.Nodes {
		n := &found.View.Nodes[i]
		n.Deployed = last.deployed(hostOf(n.Name))
	}
	return found, nil
}

func nameOf(c container.Summary) string {
	if len(c.Names) == 0 {
		return c.ID
	}
	return strings.TrimPrefix(c.Names[0], "/")
}

func containerOf(c container.Summary) Container {
	role := c.Labels[topology.LabelRole]
	helper := role != topology.RoleNode && role != topology.RoleLoadBalancer
	starts := c.State == container.StateRunning || c.State == container.StateRestarting ||
		c.State == container.StatePaused
	openFiles, _ := strconv.Atoi(c.Labels[topology.LabelOpenFiles]) // none is 0
	return Container{
		OpenFiles: openFiles, ID: c.ID, Generation: c.Labels[topology.LabelGeneration],
		HadData:  c.Labels[topology.LabelHadData] == "true",
		Settings: c.Labels[topology.LabelSettings], Image: c.ImageID,
		Lost:    !starts || helper && strings.Contains(c.Status, "("+container.Unhealthy+")"),
		Working: helper && starts && !strings.Contains(c.Status, "healthy)"),
	}
}

func hostOf(node plan.NodeName) string {
	_, host, _ := strings.Cut(string(node), "@")
	return host
}

// ask lets an agent look at the cluster. If none answers, nothing is known.
func ask(
	ctx context.Context, docker engine.Client, cluster *topology.Cluster, containers []container.Summary,
) plan.View {
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
func complete(
	view *plan.View, cluster *topology.Cluster, containers []container.Summary, volumes []*volume.Volume,
	away []string,
) {
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
		n := &view.Nodes[i]
		if slices.ContainsFunc(cluster.Nodes, func(node topology.Node) bool {
			return node.NodeName() == string(n.Name) && slices.Contains(away, node.Host)
		}) {
			continue // no engine knows of it
		}
		completeNode(n, containers, volumes)
	}
}

func completeNode(n *plan.Node, containers []container.Summary, volumes []*volume.Volume) {
	host := hostOf(n.Name)
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
		n.HadData = plan.Known(labels[topology.LabelHadData] == "true")
		if cookie := labels[topology.LabelCookie]; cookie != "" {
			n.Cookie = plan.Known(cookie)
		}
		// Containers of an older Warren have no label.
		n.Distribution = plan.Known(cmp.Or(labels[topology.LabelDistribution], topology.DistributionPlain))
		if _, known := n.Version.Get(); !known && hasRun(containers[c]) && labels[topology.LabelSeries] != "" {
			n.Version = plan.Known(labels[topology.LabelSeries])
		}
	}
	v := slices.IndexFunc(volumes, func(v *volume.Volume) bool {
		return v.Labels[topology.LabelRole] == topology.RoleNode && v.Labels[topology.LabelNode] == host
	})
	if v < 0 {
		n.Data, n.ClusterID = plan.Known(false), plan.Known("")
	}
}

// hasRun tells whether RabbitMQ has run in a container, as far as can be seen, so that its label tells what
// wrote the data. In one that keeps ending, the node may refuse to start on data that another version wrote.
// It knows what did, and looks before it starts.
func hasRun(c container.Summary) bool {
	return strings.Contains(c.Status, "("+container.Healthy+")") ||
		c.State == container.StateExited && strings.HasPrefix(c.Status, "Exited (0)")
}
