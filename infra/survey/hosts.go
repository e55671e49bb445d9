package survey

import (
	"slices"

	"warren/agent/plan"
	"warren/topology"
)

// Change tells what a deployment would change while hosts are away: settings are the fingerprints of what the
// nodes' containers are to be made from, by the names of the nodes. A container without one is not known to
// change.
func (f *Found) Change(cluster *topology.Cluster, settings map[string]string) {
	f.changed = nil
	for _, n := range cluster.Nodes {
		c := f.Containers[Place{n.Host, cluster.ContainerName(n)}]
		image := f.Image(n.Host, cluster.Image)
		otherImage := image != "" && c.Image != "" && image != c.Image
		otherSettings := c.Settings != "" && c.Settings != settings[n.Name]
		if !f.IsAway(n.Host) && (otherImage || otherSettings) {
			f.changed = append(f.changed, n.Name)
		}
	}
}

// hosts adds what a deployment has to do with hosts to what is desired.
func (f *Found) hosts(cluster *topology.Cluster, desired *plan.Desired) {
	for _, n := range cluster.Nodes {
		name := plan.NodeName(n.NodeName())
		if f.IsAway(n.Host) {
			desired.Away = append(desired.Away, name)
		}
		if slices.Contains(f.changed, n.Name) {
			desired.Changes = append(desired.Changes, name)
		}
		if was := f.Last.Places[n.Name]; was != "" && was != n.Host {
			desired.Moves = append(desired.Moves, name)
		}
	}
}

// Keeps tells whether a deployment leaves a node as it is. While a host is away, a node on it can't be
// changed. One that serves is left alone, unless it is to be changed: what the planner allows is done.
func (f *Found) Keeps(n topology.Node) bool {
	if len(f.Away) == 0 {
		return false
	}
	i := slices.IndexFunc(f.View.Nodes, func(v plan.Node) bool { return string(v.Name) == n.NodeName() })
	serves := i >= 0 && f.View.Nodes[i].Running()
	return f.IsAway(n.Host) || serves && !slices.Contains(f.changed, n.Name)
}

// IsAway tells whether the engine of a host does not answer.
func (f *Found) IsAway(host string) bool { return slices.Contains(f.Away, host) }
