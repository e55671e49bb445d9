package stackconfig

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"warren/internal/suggest"
	"warren/topology"
)

const (
	// A Raft group of fewer nodes has no majority left once one of them is gone.
	minNodes = 3
	// Every node is connected to every other, and the metadata are on all of them: more nodes make a cluster
	// slower.
	maxNodes = 15
	// RAM nodes get everything they know from the disc nodes; a single one of these would be a point of
	// failure.
	minDiscNodes = 2
	// maxHostName is the longest label of a host name (RFC 1035).
	maxHostName = 63
)

// nodePattern is a label of a host name. It is also a part of an Erlang node name.
var nodePattern = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)

// reservedNames are the host names that no node can have, with their owners.
var reservedNames = map[string]string{
	topology.LoadBalancerHost:                         "the load balancer",
	topology.LoadBalancerHost + topology.ConfigSuffix: "the container that gives HAProxy its configuration",
	topology.FormationHost:                            "the formation",
	topology.PrometheusHost:                           "Prometheus",
	topology.AlertmanagerHost:                         "Alertmanager",
	topology.GrafanaHost:                              "Grafana",
	// Docker and Debian write these into every container's /etc/hosts.
	"localhost":       "the machine itself",
	"ip6-localhost":   "the machine itself",
	"ip6-loopback":    "the machine itself",
	"ip6-localnet":    "a network",
	"ip6-mcastprefix": "a network",
	"ip6-allnodes":    "a multicast group",
	"ip6-allrouters":  "a multicast group",
}

// derivedSuffixes are the endings by which other things are named after a node. A node whose name has one
// could be taken for what belongs to another node.
var derivedSuffixes = []struct{ text, of string }{
	{topology.MembershipSuffix, "memberships"},
	{topology.VolumeSuffix, "volumes"},
	{topology.MinoritySuffix, "servers in haproxy.cfg"},
}

func validateNodes(problems *problemList, c Config, cluster *topology.Cluster) {
	if c.Nodes.Count < 0 || c.Nodes.Count > maxNodes || len(c.Nodes.List) > maxNodes {
		count := max(c.Nodes.Count, len(c.Nodes.List)) + min(c.Nodes.Count, 0)
		problems.add("nodes", fmt.Sprintf("gives %d nodes", count),
			fmt.Sprintf("use an odd number from %d to %d", minNodes, maxNodes))
	} else if n := len(cluster.Nodes); n < minNodes {
		problems.add("nodes",
			fmt.Sprintf("gives %s, and a cluster of fewer than %d has no majority once a node is gone",
				plural(n, "node"), minNodes),
			fmt.Sprintf("use an odd number from %d", minNodes))
	}

	seen := map[string]int{}
	for i, n := range cluster.Nodes {
		key := fmt.Sprintf("nodes[%d]", i)
		if first, twice := seen[n.Name]; twice {
			problems.add(key+".name", fmt.Sprintf("is %q, as is that of nodes[%d]", n.Name, first),
				"give every node its own name")
		}
		seen[n.Name] = i
		validateNodeName(problems, key+".name", n)
		if n.Type != topology.Disc && n.Type != topology.RAM {
			problems.add(key+".type", "is "+quoted(n.Type), oneOf([]topology.NodeType{topology.Disc, topology.RAM}))
		}
	}
	validateNodeTypes(problems, c, cluster, seen)
}

// validateNodeName checks a name, which is a host name and part of other names.
func validateNodeName(problems *problemList, key string, n topology.Node) {
	is := "is " + quoted(n.Name)
	if !nodePattern.MatchString(n.Name) {
		problems.add(key, is+", which is no host name",
			"use lower-case letters, digits and '-', beginning with a letter and ending without '-'")
		return
	}
	if host := topology.MembershipHost(n); len(host) > maxHostName {
		problems.add(key,
			fmt.Sprintf("has %d letters, and the host name %s would have %d", len(n.Name), host, len(host)),
			fmt.Sprintf("use at most %d letters", maxHostName-len(host)+len(n.Name)))
	}
	if owner, reserved := reservedNames[n.Name]; reserved {
		problems.add(key, is+", the name of "+owner, "use another name")
	}
	for _, suffix := range derivedSuffixes {
		if strings.HasSuffix(n.Name, suffix.text) {
			problems.add(key, is+", and Warren names "+suffix.of+" by a node's name and "+suffix.text,
				"use another ending")
		}
	}
}

func validateNodeTypes(problems *problemList, c Config, cluster *topology.Cluster, places map[string]int) {
	for _, name := range slices.Sorted(maps.Keys(c.NodeTypes)) {
		place, known := places[name]
		if !known {
			problems.add("nodeTypes", "names the unknown node "+quoted(name),
				"name nodes of this stack"+suggest.DidYouMean(name, slices.Sorted(maps.Keys(places))))
			continue
		}
		if place >= len(c.Nodes.List) {
			continue
		}
		if listed, named := c.Nodes.List[place].Type, c.NodeTypes[name]; listed != "" && listed != named {
			problems.add("nodeTypes", fmt.Sprintf("says %q of %s, and nodes[%d].type says %q",
				named, name, place, listed), "say it in one place")
		}
	}
	series := cluster.Series
	if ram := cluster.NodesOfType(topology.RAM); len(ram) > 0 && series != (topology.Series{}) &&
		!series.HasRAMNodes() {
		problems.add("nodeTypes",
			fmt.Sprintf("makes %s a RAM node, and new clusters of RabbitMQ %s have none",
				strings.Join(ram, ", "), series),
			"make all nodes disc nodes, or use a series before 4.2")
	}
	if disc := len(cluster.NodesOfType(topology.Disc)); disc < minDiscNodes && len(cluster.Nodes) >= minNodes {
		problems.add("nodeTypes", fmt.Sprintf("leaves %s", plural(disc, "disc node")),
			fmt.Sprintf("leave at least %d, since all metadata is lost with the last", minDiscNodes))
	}
}
