package topology

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
)

// Outputs are the outputs of a stack: everything that the Pulumi program tells the programs that work with
// the running cluster. The JSON names are the names of the stack's outputs.
type Outputs struct {
	// Stack is the name of the stack, by which its containers are labelled.
	Stack string `json:"stack"`
	// AMQPURL is the load-balanced endpoint, with credentials. Secret.
	AMQPURL string `json:"amqpUrl"`
	// AMQPURLs are the nodes' own endpoints, one per node in the order of Nodes, with credentials. Secret.
	AMQPURLs []string `json:"amqpUrls"`
	// ManagementURL is the base of the load-balanced management interface, without credentials.
	ManagementURL string `json:"managementUrl"`
	// StatsURL is HAProxy's statistics page, without credentials.
	StatsURL string `json:"statsUrl"`
	// Username and Password are the administrator's. Password is secret.
	Username string `json:"username"`
	Password string `json:"password"`
	// StatsPassword is the password of the statistics page; its user is Username. Secret.
	StatsPassword string `json:"statsPassword"`
	// Network is the name of the Docker network the cluster lives in.
	Network string `json:"network"`
	// Nodes are the cluster's nodes.
	Nodes []NodeOutput `json:"nodes"`
	// Formation is the name of the container that makes the cluster consist of the stack's nodes.
	Formation string `json:"formation"`
	// LoadBalancer is the HAProxy in front of them.
	LoadBalancer LoadBalancerOutput `json:"loadBalancer"`
	// RabbitMQSeries is the series all nodes run, such as "4.3".
	RabbitMQSeries string `json:"rabbitmqSeries"`
	// Owner identifies the state that the stack was deployed from, as LabelOwner has it.
	Owner string `json:"owner"`
}

// NodeOutput tells how to reach one node.
type NodeOutput struct {
	// Name is the host name inside the stack's network, such as "rabbit1".
	Name string `json:"name"`
	// NodeName is the Erlang node name, such as "rabbit@rabbit1".
	NodeName string `json:"nodeName"`
	// Container is the name of the Docker container.
	Container string `json:"container"`
	// Membership is the name of the container that makes the node a member of its cluster.
	Membership string `json:"membership"`
	// Type is "disc" or "ram".
	Type NodeType `json:"type"`
	// AMQPPort and ManagementPort are the ports published on the host.
	AMQPPort       int `json:"amqpPort"`
	ManagementPort int `json:"managementPort"`
}

// LoadBalancerOutput tells how to reach the load balancer; its ports are those published on the host.
type LoadBalancerOutput struct {
	Container string `json:"container"`
	// Config is the name of the container that hands HAProxy its configuration.
	Config         string `json:"config"`
	AMQPPort       int    `json:"amqpPort"`
	ManagementPort int    `json:"managementPort"`
	StatsPort      int    `json:"statsPort"`
}

// Outputs assembles the outputs of a stack that runs cluster c.
func (c *Cluster) Outputs(s Secrets) Outputs {
	out := Outputs{
		Stack:         c.Stack,
		AMQPURL:       c.amqpURL(c.LoadBalancer.AMQPPort, s),
		ManagementURL: c.httpURL(c.LoadBalancer.ManagementPort, ""),
		StatsURL:      c.httpURL(c.LoadBalancer.StatsPort, statsPath),
		Username:      c.Username,
		Password:      s.AdminPassword,
		StatsPassword: s.StatsPassword,
		Network:       c.NetworkName(),
		Formation:     c.FormationContainerName(),
		LoadBalancer: LoadBalancerOutput{
			Container:      c.LoadBalancerContainerName(),
			Config:         c.LoadBalancerConfigContainerName(),
			AMQPPort:       c.LoadBalancer.AMQPPort,
			ManagementPort: c.LoadBalancer.ManagementPort,
			StatsPort:      c.LoadBalancer.StatsPort,
		},
		RabbitMQSeries: c.Series.String(),
	}
	for _, n := range c.Nodes {
		out.AMQPURLs = append(out.AMQPURLs, c.amqpURL(n.AMQPPort, s))
		out.Nodes = append(out.Nodes, NodeOutput{
			Name:           n.Name,
			NodeName:       n.NodeName(),
			Container:      c.ContainerName(n),
			Membership:     c.MembershipContainerName(n),
			Type:           n.Type,
			AMQPPort:       n.AMQPPort,
			ManagementPort: n.ManagementPort,
		})
	}
	return out
}

// InternalAMQPURL is the load-balanced endpoint for clients on the stack's own network, with credentials.
func (c *Cluster) InternalAMQPURL(s Secrets) string {
	return c.amqpURLAt(net.JoinHostPort(LoadBalancerHost, strconv.Itoa(AMQPPort)), s)
}

// amqpURL is the endpoint at a port that is published on the host.
func (c *Cluster) amqpURL(port int, s Secrets) string { return c.amqpURLAt(c.hostPort(port), s) }

// amqpURLAt is the URI of the virtual host "/". The AMQP URI specification writes that as %2F, because a path
// of "/" alone names the virtual host "".
func (c *Cluster) amqpURLAt(address string, s Secrets) string {
	u := url.URL{
		Scheme:  "amqp",
		User:    url.UserPassword(c.Username, s.AdminPassword),
		Host:    address,
		Path:    "/" + defaultVirtualHost,
		RawPath: "/" + url.PathEscape(defaultVirtualHost),
	}
	return u.String()
}

func (c *Cluster) httpURL(port int, path string) string {
	u := url.URL{Scheme: "http", Host: c.hostPort(port), Path: path}
	return u.String()
}

// hostPort is where a port published on the host is reached from the host: on the loopback interface when it
// is published on all of them.
func (c *Cluster) hostPort(port int) string {
	addr, err := netip.ParseAddr(c.BindAddress)
	switch {
	case err != nil: // New admits addresses only
		return net.JoinHostPort(c.BindAddress, strconv.Itoa(port))
	case addr.IsUnspecified() && addr.Is4():
		addr = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case addr.IsUnspecified():
		addr = netip.IPv6Loopback()
	}
	return net.JoinHostPort(addr.String(), strconv.Itoa(port))
}
