package dashboard

import (
	"slices"
	"strings"

	"warren/operate/health"
)

// Picture is who is there and who reaches whom.
type Picture struct {
	Nodes     []Node     `json:"nodes"`
	Balancers []Balancer `json:"balancers"`
	// Helpers are how many are at work, of all.
	Helpers    int `json:"helpers"`
	AllHelpers int `json:"allHelpers"`
	// Problems are what is wrong, as `warren status` says it.
	Problems []string `json:"problems"`
}

// Node is a node in the picture.
type Node struct {
	Name string `json:"name"`
	Host string `json:"host,omitempty"`
	// State is "serving", "drained", "alarm", or why it serves nobody.
	State string `json:"state"`
	Good  bool   `json:"good"`
	// Leaders are the queues that it leads, Connections its clients.
	Leaders     int `json:"leaders"`
	Connections int `json:"connections"`
	// Memory is the share of its limit that it takes.
	Memory float64 `json:"memory"`
	// Peers are the names of the nodes that it sees.
	Peers []string `json:"peers"`
}

// Balancer is a load balancer in the picture.
type Balancer struct {
	Name  string `json:"name"`
	Host  string `json:"host,omitempty"`
	State string `json:"state"`
	Good  bool   `json:"good"`
	// Servers are the nodes that it sends AMQP clients to.
	Servers []string `json:"servers"`
}

// Draw makes the picture of a status.
func Draw(status health.Status) Picture {
	p := Picture{Nodes: []Node{}, Balancers: []Balancer{}, Problems: []string{}}
	for _, n := range status.Nodes {
		node := Node{
			Name: n.Name, Host: n.Host, Leaders: n.Leaders, Connections: n.Connections, Peers: []string{},
		}
		node.State, node.Good = stateOf(n)
		if n.MemoryLimit > 0 {
			node.Memory = float64(n.MemoryUsed) / float64(n.MemoryLimit)
		}
		for _, other := range status.Nodes {
			if other.Name != n.Name && n.Answers() && n.Sees(other) {
				node.Peers = append(node.Peers, other.Name)
			}
		}
		p.Nodes = append(p.Nodes, node)
	}
	balancers := status.LoadBalancers
	if len(balancers) == 0 {
		balancers = []health.LoadBalancerStatus{status.LoadBalancer}
	}
	for _, b := range balancers {
		balancer := Balancer{
			Name: nameOf(b), Host: b.Host, State: b.State, Good: b.State == "running" && b.Error == "",
			Servers: []string{},
		}
		for _, s := range b.Servers {
			// The servers that stand for a node while no node has a majority have other names.
			if s.Proxy == "amqp" && s.Up() && isNode(status, s.Name) {
				balancer.Servers = append(balancer.Servers, s.Name)
			}
		}
		p.Balancers = append(p.Balancers, balancer)
	}
	for _, h := range status.Helpers {
		p.AllHelpers++
		if h.OK() {
			p.Helpers++
		}
	}
	for _, problem := range status.Problems() {
		p.Problems = append(p.Problems, problem.String())
	}
	return p
}

// isNode tells whether a node has that name.
func isNode(status health.Status, name string) bool {
	return slices.ContainsFunc(status.Nodes, func(n health.NodeStatus) bool { return n.Name == name })
}

func nameOf(b health.LoadBalancerStatus) string {
	if i := strings.Index(b.Container, "haproxy"); i >= 0 {
		return b.Container[i:]
	}
	return b.Container
}

// stateOf says in a word how a node is.
func stateOf(n health.NodeStatus) (state string, good bool) {
	switch {
	case n.State != "running":
		return n.State, false
	case n.Drained:
		return "drained", false
	case n.MemoryAlarm:
		return "memory alarm", false
	case n.DiskAlarm:
		return "disk alarm", false
	case !n.AMQP:
		return "takes no clients", false
	case !n.Answers():
		return "does not answer", false
	}
	return "serving", true
}
