package topology

import (
	"cmp"
	"slices"
)

// Host describes a host with a Docker engine of its own, on which parts of a stack run.
type Host struct {
	// Name tells hosts apart.
	Name string `json:"name"`
	// Engine is where its Docker engine answers: unix:///path, tcp://address:port or ssh://user@address.
	Engine string `json:"engine"`
	// Address is the IP address at which the other hosts and clients reach it.
	Address string `json:"address"`
	// Zone is what the host may fail together with, such as its rack. Either all hosts have one or none.
	Zone string `json:"zone,omitempty"`
	// CertPath is a folder with ca.pem, cert.pem and key.pem, for an engine at tcp:// that asks for TLS, on
	// the machine that runs Pulumi.
	CertPath string `json:"certPath,omitempty"`
	// SSHOptions are options of the command ssh for an engine at ssh://, such as ["-i", "/path/to/key"].
	SSHOptions []string `json:"sshOptions,omitempty"`
}

// HostPorts are the ports of a node's container that are published on its host for the other hosts, in
// addition to those for clients.
func HostPorts() []int { return []int{EPMDPort, DistributionPort, PrometheusPort, AgentPort} }

// HasHosts tells whether the stack runs on hosts that its configuration names, each with an engine of its
// own. Otherwise it runs on one engine, which the environment names.
func (c *Cluster) HasHosts() bool { return len(c.Hosts) > 0 }

// HostNames are the names of the hosts; one empty name if the stack runs on one engine.
func (c *Cluster) HostNames() []string {
	if !c.HasHosts() {
		return []string{""}
	}
	names := make([]string, len(c.Hosts))
	for i, h := range c.Hosts {
		names[i] = h.Name
	}
	return names
}

// Host returns the host of that name. It is the zero value for the empty name.
func (c *Cluster) Host(name string) Host {
	i := slices.IndexFunc(c.Hosts, func(h Host) bool { return h.Name == name })
	if i < 0 {
		return Host{}
	}
	return c.Hosts[i]
}

// FormationHostName is the name of the host that the formation runs on: that of the first node.
func (c *Cluster) FormationHostName() string { return c.Nodes[0].Host }

// PublishAddress is the address that ports are published on at a host.
func (c *Cluster) PublishAddress(host string) string {
	return cmp.Or(c.Host(host).Address, c.BindAddress)
}

// ForeignNames are the host names that containers on a host can't look up, because they are on other hosts,
// with the addresses of these.
func (c *Cluster) ForeignNames(host string) map[string]string {
	names := map[string]string{}
	foreign := func(name, place string) {
		if place != host {
			names[name] = c.Host(place).Address
		}
	}
	for _, n := range c.Nodes {
		foreign(n.Name, n.Host)
	}
	foreign(FormationHost, c.FormationHostName())
	return names
}
