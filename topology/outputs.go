package topology

import (
	"net"
	"net/url"
	"strconv"
	"strings"
)

// Outputs are the outputs of a stack: everything that the Pulumi program tells the programs that work with
// the running cluster. The JSON names are the names of the stack's outputs.
type Outputs struct {
	// Stack is the name of the stack, by which its containers are labelled.
	Stack string `json:"stack"`
	// AMQPURL is the load-balanced endpoint, with the credentials of the application's user if
	// warren:userPasswords has its password, else those of the administrator. So have BalancedAMQPURLs and
	// AMQPURLs. Secret.
	AMQPURL string `json:"amqpUrl"`
	// BalancedAMQPURLs are the endpoints of all load balancers, of which AMQPURL is the first, with
	// credentials. Secret.
	BalancedAMQPURLs []string `json:"balancedAmqpUrls"`
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
	// LoadBalancer is the HAProxy in front of them, the first if there are several.
	LoadBalancer LoadBalancerOutput `json:"loadBalancer"`
	// LoadBalancers are all load balancers.
	LoadBalancers []LoadBalancerOutput `json:"loadBalancers"`
	// VirtualAddress is the address that one of the load balancers' hosts has at any time; empty if there is
	// none. AMQPURL, ManagementURL and StatsURL are at that address.
	VirtualAddress string `json:"virtualAddress,omitempty"`
	// Hosts are the hosts that the stack is spread over; none if it runs on one engine.
	Hosts []Host `json:"hosts,omitempty"`
	// FormationHost is the name of the host with the formation's container; empty without hosts.
	FormationHost string `json:"formationHost,omitempty"`
	// RabbitMQSeries is the series all nodes run, such as "4.3".
	RabbitMQSeries string `json:"rabbitmqSeries"`
	// Owner identifies the state that the stack was deployed from, as LabelOwner has it.
	Owner string `json:"owner"`
	// Monitoring tells how to reach the Prometheus that watches the stack; nil if none does.
	Monitoring *MonitoringOutput `json:"monitoring,omitempty"`
	// CACertificate is the certificate of the authority, in PEM, by which clients recognise the stack; empty
	// without TLS. With TLS, all URLs and ports here are those with TLS.
	CACertificate string `json:"caCertificate,omitempty"`
	// TLSServerName is the name that clients expect of certificates when they connect by address; empty if that
	// is the address.
	TLSServerName string `json:"tlsServerName,omitempty"`
	// Application are the files with the application's topology, relative to the project's folder.
	Application []string `json:"application"`
	// Users are the application's users whose password the stack has, by name. Secret.
	Users map[string]UserOutput `json:"users"`
}

// HasTLS tells whether the URLs and ports are those with TLS.
func (o Outputs) HasTLS() bool { return strings.HasPrefix(o.ManagementURL, "https:") }

// UserOutput is how one of the application's users logs in. The endpoints are those of Outputs.
type UserOutput struct {
	Password string   `json:"password"`
	AMQPURL  string   `json:"amqpUrl"`
	AMQPURLs []string `json:"amqpUrls"`
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
	// Host is the name of the host that the node is on; empty if the stack runs on one engine.
	Host string `json:"host,omitempty"`
}

// LoadBalancerOutput tells how to reach the load balancer; its ports are those published on the host.
type LoadBalancerOutput struct {
	Container string `json:"container"`
	// Config is the name of the container that hands HAProxy its configuration.
	Config         string `json:"config"`
	AMQPPort       int    `json:"amqpPort"`
	ManagementPort int    `json:"managementPort"`
	StatsPort      int    `json:"statsPort"`
	// Host is the name of the host that it is on; empty if the stack runs on one engine.
	Host string `json:"host,omitempty"`
	// Keepalived is the name of the container that gives the host the virtual address; empty without one.
	Keepalived string `json:"keepalived,omitempty"`
}

// Outputs assembles the outputs of a stack that runs cluster c.
func (c *Cluster) Outputs(s Secrets) Outputs {
	out := Outputs{
		Stack:          c.Stack,
		Username:       c.Username,
		Password:       s.AdminPassword,
		StatsPassword:  s.StatsPassword,
		Network:        c.NetworkName(),
		Formation:      c.FormationContainerName(),
		FormationHost:  c.FormationHostName(),
		Hosts:          c.Hosts,
		VirtualAddress: c.VirtualAddress,
		RabbitMQSeries: c.Series.String(),
		Application:    append([]string{}, c.Application...),
		Monitoring:     c.MonitoringOutput(),
		Users:          map[string]UserOutput{},
	}
	if c.HasTLS() && len(c.TLSNames) > 0 {
		out.TLSServerName = c.TLSNames[0]
	}
	for _, b := range c.Balancers() {
		out.BalancedAMQPURLs = append(out.BalancedAMQPURLs,
			c.amqpURL(b.Host, c.clientPort(c.LoadBalancer.AMQPPort), s))
		balancer := LoadBalancerOutput{
			Container:      b.ContainerName(),
			Config:         b.ConfigContainerName(),
			AMQPPort:       c.clientPort(c.LoadBalancer.AMQPPort),
			ManagementPort: c.clientPort(c.LoadBalancer.ManagementPort),
			StatsPort:      c.clientPort(c.LoadBalancer.StatsPort),
			Host:           b.Host,
		}
		if c.VirtualAddress != "" {
			balancer.Keepalived = b.KeepalivedContainerName()
		}
		out.LoadBalancers = append(out.LoadBalancers, balancer)
	}
	out.LoadBalancer = out.LoadBalancers[0]
	out.AMQPURL = c.amqpURLAt(c.balanced(c.LoadBalancer.AMQPPort), s)
	out.ManagementURL = c.httpURL(c.balanced(c.LoadBalancer.ManagementPort), "")
	out.StatsURL = c.httpURL(c.balanced(c.LoadBalancer.StatsPort), StatsPath)
	for _, n := range c.Nodes {
		out.AMQPURLs = append(out.AMQPURLs, c.amqpURL(n.Host, c.clientPort(n.AMQPPort), s))
		out.Nodes = append(out.Nodes, NodeOutput{
			Name:           n.Name,
			NodeName:       n.NodeName(),
			Container:      c.ContainerName(n),
			Membership:     c.MembershipContainerName(n),
			Type:           n.Type,
			AMQPPort:       c.clientPort(n.AMQPPort),
			ManagementPort: c.clientPort(n.ManagementPort),
			Host:           n.Host,
		})
	}
	return out
}

// AsUser returns the outputs with endpoints of one of Users. c is the cluster that they are of.
func (o Outputs) AsUser(c *Cluster, name, vhost string) Outputs {
	user := o.Users[name]
	o.AMQPURL, o.AMQPURLs, o.BalancedAMQPURLs = user.AMQPURL, user.AMQPURLs, nil
	for _, b := range c.Balancers() {
		o.BalancedAMQPURLs = append(o.BalancedAMQPURLs, c.amqpURI(name, user.Password,
			c.hostPort(b.Host, c.clientPort(c.LoadBalancer.AMQPPort)), vhost))
	}
	return o
}

// AsAdministrator returns the outputs with endpoints of the administrator, who may do everything in the
// virtual host "/".
func (o Outputs) AsAdministrator() Outputs {
	administer := func(endpoint string) string {
		u, err := url.Parse(endpoint)
		if err != nil || endpoint == "" {
			return endpoint // whoever connects to it says so
		}
		u.User = url.UserPassword(o.Username, o.Password)
		u.Path, u.RawPath = "/"+DefaultVirtualHost, "/"+url.PathEscape(DefaultVirtualHost)
		return u.String()
	}
	all := func(endpoints []string) []string {
		var administered []string
		for _, endpoint := range endpoints {
			administered = append(administered, administer(endpoint))
		}
		return administered
	}
	o.AMQPURL, o.AMQPURLs, o.BalancedAMQPURLs = administer(o.AMQPURL), all(o.AMQPURLs), all(o.BalancedAMQPURLs)
	return o
}

// UserOutput tells how a user logs in with a password, to work in a virtual host.
func (c *Cluster) UserOutput(name, password, vhost string) UserOutput {
	at := func(address string) string { return c.amqpURI(name, password, address, vhost) }
	out := UserOutput{Password: password, AMQPURL: at(c.balanced(c.LoadBalancer.AMQPPort))}
	for _, n := range c.Nodes {
		out.AMQPURLs = append(out.AMQPURLs, at(c.hostPort(n.Host, c.clientPort(n.AMQPPort))))
	}
	return out
}

// InternalAMQPURL is the load-balanced endpoint for clients on the stack's own network, with credentials.
func (c *Cluster) InternalAMQPURL(s Secrets) string {
	port := AMQPPort
	if c.HasTLS() {
		port = AMQPTLSPort
	}
	return c.amqpURLAt(net.JoinHostPort(LoadBalancerHost, strconv.Itoa(port)), s)
}

// amqpURL is the endpoint at a port that is published on a host.
func (c *Cluster) amqpURL(host string, port int, s Secrets) string {
	return c.amqpURLAt(c.hostPort(host, port), s)
}

// amqpURLAt is the administrator's URI of the virtual host "/".
func (c *Cluster) amqpURLAt(address string, s Secrets) string {
	return c.amqpURI(c.Username, s.AdminPassword, address, DefaultVirtualHost)
}

// amqpURI is the URI of a virtual host. The AMQP URI specification writes "/" as %2F, because a path of "/"
// alone names the virtual host "".
func (c *Cluster) amqpURI(user, password, address, vhost string) string {
	u := url.URL{
		Scheme:  c.scheme("amqp"),
		User:    url.UserPassword(user, password),
		Host:    address,
		Path:    "/" + vhost,
		RawPath: "/" + url.PathEscape(vhost),
	}
	return u.String()
}

func (c *Cluster) httpURL(address, path string) string {
	u := url.URL{Scheme: c.scheme("http"), Host: address, Path: path}
	return u.String()
}

// balanced is where the load balancers' port is reached that takes plain text unless that is off.
func (c *Cluster) balanced(plain int) string {
	return net.JoinHostPort(c.balancedAddress(), strconv.Itoa(c.clientPort(plain)))
}

// hostPort is where a port published on a host is reached: from the host itself, on the loopback interface
// when it is published on all of them.
func (c *Cluster) hostPort(host string, port int) string {
	return net.JoinHostPort(c.connectAddress(host), strconv.Itoa(port))
}
