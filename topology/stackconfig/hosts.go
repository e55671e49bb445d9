package stackconfig

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"warren/internal/suggest"
	"warren/topology"
	"warren/topology/placement"
)

// defaultLoadBalancers is how many hosts have a load balancer, where there are several hosts.
const defaultLoadBalancers = 2

// The ports of a node that its peers on other hosts use. They are the same on the host as in the container,
// because the peers know a node by its name only.
var nodePorts = []int{
	topology.EPMDPort, topology.AMQPPort, topology.ManagementPort, topology.PrometheusPort,
	topology.DistributionPort,
	topology.AgentPort, topology.FormationPort, topology.BalancerMetricsPort,
}

// placementHosts are the hosts as the placement takes them.
func placementHosts(c *topology.Cluster) []placement.Host {
	hosts := make([]placement.Host, len(c.Hosts))
	for i, h := range c.Hosts {
		hosts[i] = placement.Host{Name: h.Name, Zone: h.Zone}
	}
	return hosts
}

// place gives the nodes, the load balancers and the formation their hosts.
func place(c *topology.Cluster, loadBalancers int) {
	if len(c.Hosts) == 0 {
		c.LoadBalancerHosts = []string{""}
		return
	}
	pins := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		pins[i] = n.Host
	}
	for i, host := range placement.Spread(placementHosts(c), pins) {
		c.Nodes[i].Host = host
	}
	count := min(max(loadBalancers, 0), len(c.Hosts))
	c.LoadBalancerHosts = placement.Spread(placementHosts(c), make([]string, count))
}

// hostWarnings lists what is allowed of hosts but probably not intended.
func hostWarnings(c *topology.Cluster) []string {
	var warnings []string
	if critical := criticalZones(c); len(critical) > 0 {
		warnings = append(warnings, fmt.Sprintf("the loss of zone %s stops the cluster, because the "+
			"others hold no majority of the nodes: use three zones", strings.Join(critical, " or zone ")))
	}
	for _, h := range c.Hosts {
		if strings.HasPrefix(h.Engine, "tcp:") && h.CertPath == "" {
			warnings = append(warnings, fmt.Sprintf("the engine of host %s is asked without TLS: whoever reaches %s "+
				"is root there; set certPath, or use ssh://", h.Name, h.Engine))
		}
	}
	return warnings
}

// validateHosts checks the hosts and what is placed on them.
func validateHosts(problems *problemList, c Config, cluster *topology.Cluster) {
	if len(c.Hosts) == 0 {
		validateNoHosts(problems, c, cluster)
		return
	}
	seen := map[string]map[string]int{"name": {}, "engine": {}, "address": {}}
	for i, h := range c.Hosts {
		key := fmt.Sprintf("hosts[%d]", i)
		if !nodePattern.MatchString(h.Name) {
			problems.add(key+".name", "is "+quoted(h.Name),
				"use lower-case letters, digits and '-', beginning with a letter and ending without '-'")
		}
		validateEngine(problems, key, h)
		validateAddress(problems, key+".address", h.Address)
		for _, field := range []struct{ name, value string }{{"name", h.Name}, {"engine", h.Engine},
			{"address", h.Address}} {
			if first, twice := seen[field.name][field.value]; twice && field.value != "" {
				problems.add(key+"."+field.name, fmt.Sprintf("is %q, as is that of hosts[%d]", field.value, first),
					"give every host its own")
			} else {
				seen[field.name][field.value] = i
			}
		}
		if (h.Zone == "") != (c.Hosts[0].Zone == "") {
			problems.add(key+".zone", "is missing, or is the only one", "give all hosts a zone, or none")
		}
	}
	validatePlaces(problems, c, cluster)
	validateHostPorts(problems, c, cluster)
}

// validateNoHosts checks what makes sense with hosts only.
func validateNoHosts(problems *problemList, c Config, cluster *topology.Cluster) {
	for i, n := range cluster.Nodes {
		if n.Host != "" {
			problems.add(fmt.Sprintf("nodes[%d].host", i), "is "+quoted(n.Host)+", and there is no warren:hosts",
				"describe the hosts, or leave it out")
		}
	}
	if c.LoadBalancers != 0 && c.LoadBalancers != 1 {
		problems.add("loadBalancers", fmt.Sprintf("is %d, and there is no warren:hosts", c.LoadBalancers),
			"describe the hosts, each of which can have one, or leave it out")
	}
}

func validateEngine(problems *problemList, key string, h topology.Host) {
	const forms = "write unix:///path, tcp://address:port or ssh://user@address"
	engine, err := url.Parse(h.Engine)
	scheme := ""
	switch {
	case err != nil || h.Engine == "":
		problems.add(key+".engine", "is "+quoted(h.Engine), forms)
		return
	case engine.Scheme == "unix" && engine.Host == "" && engine.Path != "",
		engine.Scheme == "tcp" && engine.Host != "" && engine.Port() != "" && engine.Path == "",
		engine.Scheme == "ssh" && engine.Hostname() != "":
		scheme = engine.Scheme
	default:
		problems.add(key+".engine", "is "+quoted(h.Engine), forms)
		return
	}
	if _, secret := engine.User.Password(); secret {
		problems.add(key+".engine", "has a password", "let SSH use a key, and write ssh://user@address")
	}
	if h.CertPath != "" && scheme != "tcp" {
		problems.add(key+".certPath", "is given for an engine at "+scheme+"://", "leave it out")
	}
	if len(h.SSHOptions) > 0 && scheme != "ssh" {
		problems.add(key+".sshOptions", "are given for an engine at "+scheme+"://", "leave them out")
	}
}

func validateAddress(problems *problemList, key, text string) {
	const remedy = "write the IP address at which other hosts and clients reach it"
	address, err := netip.ParseAddr(text)
	switch {
	case err != nil || address.Zone() != "":
		problems.add(key, "is "+quoted(text), remedy)
	case address.IsLoopback():
		problems.add(key, "is "+text+", which every host takes for itself", remedy)
	case address.IsUnspecified() || address.IsMulticast():
		problems.add(key, "is "+text+", which is no host's", remedy)
	}
}

// validatePlaces checks that there is room for everything, and that no zone takes the majority with it that
// need not.
func validatePlaces(problems *problemList, c Config, cluster *topology.Cluster) {
	if nodes, hosts := len(cluster.Nodes), len(c.Hosts); hosts < nodes {
		problems.add("hosts", fmt.Sprintf("has %s for %s", plural(hosts, "host"), plural(nodes, "node")),
			"describe a host for each node, or use fewer nodes")
	}
	names := cluster.HostNames()
	pinned := map[string]int{}
	for i, n := range c.Nodes.List {
		if n.Host == "" {
			continue
		}
		key := fmt.Sprintf("nodes[%d].host", i)
		if !slices.Contains(names, n.Host) {
			problems.add(key, "is "+quoted(n.Host)+", which warren:hosts has not",
				"write the name of a host"+suggest.DidYouMean(n.Host, names))
		}
		if first, twice := pinned[n.Host]; twice {
			problems.add(key, fmt.Sprintf("is %q, as is that of nodes[%d]", n.Host, first),
				"give every node a host of its own")
		}
		pinned[n.Host] = i
	}
	if n := cmp.Or(c.LoadBalancers, 1); n < 1 || n > len(c.Hosts) {
		problems.add("loadBalancers", fmt.Sprintf("is %d, and there are %s", n, plural(len(c.Hosts), "host")),
			"write at least 1, and at most one for each host")
	}
	reserved := map[string]string{}
	for _, host := range names {
		reserved[topology.LoadBalancerHost+"-"+host] = host
		reserved[topology.KeepalivedHost+"-"+host] = host
	}
	for i, n := range cluster.Nodes {
		if host, taken := reserved[n.Name]; taken {
			problems.add(fmt.Sprintf("nodes[%d].name", i),
				"is "+quoted(n.Name)+", the name of the load balancer on "+host,
				"use another name")
		}
	}
	if critical := criticalZones(cluster); len(critical) > 0 &&
		len(placement.Zones(placementHosts(cluster))) > 2 {
		problems.add("hosts", fmt.Sprintf("has zone %s with half of the nodes or more, so that its loss stops "+
			"the cluster",
			strings.Join(critical, " and zone ")),
			"add hosts to the other zones, or pin fewer nodes there with nodes[].host")
	}
}

// criticalZones are the zones whose loss leaves no majority of the nodes. Hosts without zones have none.
func criticalZones(c *topology.Cluster) []string {
	if !c.HasHosts() || c.Hosts[0].Zone == "" {
		return nil
	}
	places := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		places[i] = n.Host
	}
	return placement.Critical(placementHosts(c), places)
}

// validateHostPorts checks the ports on the hosts. Those of nodes can't be chosen, because their peers know
// only their names.
func validateHostPorts(problems *problemList, c Config, cluster *topology.Cluster) {
	standard := func(key string, port, want int) {
		if port != 0 && port != want {
			problems.add(key, fmt.Sprintf("is %d, and nodes on hosts of their own have port %d", port, want),
				"leave it out")
		}
	}
	standard("ports.amqp", c.Ports.AMQP, topology.AMQPPort)
	standard("ports.management", c.Ports.Management, topology.ManagementPort)
	for i, n := range c.Nodes.List {
		standard(fmt.Sprintf("nodes[%d].amqpPort", i), n.AMQPPort, topology.AMQPPort)
		standard(fmt.Sprintf("nodes[%d].managementPort", i), n.ManagementPort, topology.ManagementPort)
	}
	lb := cluster.LoadBalancer
	users := map[int][]string{}
	type usedPort struct {
		number int
		use    string
	}
	ports := []usedPort{
		{lb.AMQPPort, "AMQP of the load balancer"}, {lb.ManagementPort, "management of the load balancer"},
		{lb.StatsPort, "statistics of the load balancer"},
	}
	if m := cluster.Monitoring; m != nil {
		ports = append(ports, usedPort{m.PrometheusPort, "Prometheus"},
			usedPort{m.AlertmanagerPort, "Alertmanager"})
		if m.GrafanaImage != "" {
			ports = append(ports, usedPort{m.GrafanaPort, "Grafana"})
		}
	}
	for _, port := range ports {
		users[port.number] = append(users[port.number], port.use)
		if port.number < 1 || port.number > maxPort {
			problems.add("ports", fmt.Sprintf("give %s port %d", port.use, port.number),
				fmt.Sprintf("use ports from 1 to %d", maxPort))
		}
		if slices.Contains(nodePorts, port.number) {
			problems.add("ports", fmt.Sprintf("give %s port %d, which nodes have", port.use, port.number),
				"use another port")
		}
	}
	for _, number := range slices.Sorted(maps.Keys(users)) {
		if len(users[number]) > 1 {
			problems.add("ports", fmt.Sprintf("give port %d to %s", number,
				strings.Join(users[number], " and to ")), "use different ports")
		}
	}
	if c.BindAddress != "" && c.BindAddress != defaultBindAddress {
		problems.add("bindAddress", "is "+quoted(c.BindAddress)+
			", and with warren:hosts ports are published on the hosts' addresses",
			"leave it out")
	}
}
