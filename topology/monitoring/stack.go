package monitoring

import (
	"net"
	"strconv"
	"strings"

	"warren/topology"
)

// Stack is what is watched.
type Stack struct {
	Name string
	// Network is the name of the Docker network that it is on.
	Network string
	// Username is the user of the pages of Prometheus and Alertmanager.
	Username string
	// MetricsTLS tells that the metrics of nodes and load balancers are read over TLS, and PagesTLS that the
	// pages of Prometheus and Alertmanager are.
	MetricsTLS, PagesTLS bool
	// Prefix begins the names of jobs in a Prometheus that may watch other stacks, and other things, as well.
	Prefix string
	// Queues are regular expressions of names of queues that are watched each by itself.
	Queues []string
	// ServerName is the name that their certificates have; empty if that is their host name.
	ServerName string
	Nodes      []Target
	Balancers  []Target
	// Agents are those of nodes and helpers. Of helpers on other hosts, only the formation is reached.
	Agents []Target
}

// Target is something that has metrics.
type Target struct {
	// Address is where they are, as host:port on the stack's network.
	Address string
	// Name is what the label of a target says it is: a node's host name, or a load balancer's name.
	Name string
	// Container is the name of its container.
	Container string
	// Role is that of an agent's container, as a value of topology.LabelRole.
	Role string
}

// Of is what is watched of a stack by a Prometheus of its own, on the host of the first load balancer.
func Of(outputs topology.Outputs) Stack { return seenFrom(outputs, outputs.LoadBalancer.Host) }

// WatchedBy is what is watched of a stack by the Prometheus that its outputs name.
func WatchedBy(outputs topology.Outputs) Stack {
	if outputs.Monitoring != nil && outputs.Monitoring.Remote {
		return FromAnywhere(outputs)
	}
	return Of(outputs)
}

// FromAnywhere is what is watched of a stack by a Prometheus elsewhere: at the addresses of the stack's
// hosts, or if it has none, on its network.
func FromAnywhere(outputs topology.Outputs) Stack {
	const nowhere = "-" // no host has this name
	s := seenFrom(outputs, nowhere)
	s.Prefix = outputs.Network + "-"
	return s
}

// jobs are what the readings of all kinds of targets are called.
var jobs = []string{jobNodes, jobBalancers, jobAgents, jobQueues}

// scoped is an expression about the stack's own jobs.
func (s Stack) scoped(expr string) string {
	for _, job := range jobs {
		expr = strings.ReplaceAll(expr, `job="`+job+`"`, `job="`+s.Prefix+job+`"`)
	}
	return expr
}

// seenFrom is a stack with the addresses by which containers on one of its hosts reach it.
func seenFrom(outputs topology.Outputs, here string) Stack {
	at := func(host, name string, port int) string {
		for _, h := range outputs.Hosts {
			if h.Name == host && host != here {
				return onNetwork(h.Address, port)
			}
		}
		return onNetwork(name, port)
	}
	s := Stack{
		Name: outputs.Stack, Network: outputs.Network, Username: outputs.Username,
		PagesTLS: outputs.HasTLS(), ServerName: outputs.TLSServerName,
		MetricsTLS: outputs.HasTLS() && len(outputs.Hosts) == 0, // hosts publish the metrics in plain text
	}
	if outputs.Monitoring != nil {
		s.Queues = outputs.Monitoring.Queues
	}
	nodePort, balancerPort := topology.PrometheusPort, topology.BalancerMetricsPort
	if s.MetricsTLS {
		nodePort, balancerPort = topology.PrometheusTLSPort, topology.BalancerMetricsTLSPort
	}
	for _, n := range outputs.Nodes {
		s.Nodes = append(s.Nodes, Target{
			Address: at(n.Host, n.Name, nodePort), Name: n.Name, Container: n.Container,
		})
		s.Agents = append(s.Agents, Target{
			Address: at(n.Host, n.Name, topology.AgentPort), Name: n.Name, Container: n.Container,
			Role: topology.RoleNode,
		})
		if helper := topology.MembershipHost(topology.Node{Name: n.Name}); n.Host == here ||
			len(outputs.Hosts) == 0 {
			s.Agents = append(s.Agents, Target{
				Address: onNetwork(helper, topology.AgentPort), Name: helper, Container: n.Membership,
				Role: topology.RoleMembership,
			})
		}
	}
	for _, b := range outputs.LoadBalancers {
		s.Balancers = append(s.Balancers, Target{
			Address: at(b.Host, topology.LoadBalancerHost, balancerPort),
			Name:    strings.TrimPrefix(b.Container, outputs.Network+"-"), Container: b.Container,
		})
	}
	s.Agents = append(s.Agents, Target{
		Address: at(outputs.FormationHost, topology.FormationHost, topology.FormationPort),
		Name:    topology.FormationHost, Container: outputs.Formation, Role: topology.RoleFormation,
	})
	return s
}

// quorum is the smallest number of nodes that is a majority.
func (s Stack) quorum() int { return len(s.Nodes)/2 + 1 }

func onNetwork(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
