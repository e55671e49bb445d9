package stackconfig

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"warren/topology"
	"warren/topology/internal/sample"
	"warren/topology/render"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hostsWith are three hosts of which the second is changed.
func hostsWith(change func(h *topology.Host)) string {
	hosts := sample.Hosts("", "", "")
	change(&hosts[1])
	text, _ := json.Marshal(hosts) // always possible
	return string(text)
}

func TestNodesAndLoadBalancersHaveHosts(t *testing.T) {
	c, err := New("dev", Config{Hosts: sample.Hosts("a", "a", "b", "c")})
	require.NoError(t, err)
	assert.Empty(t, Warnings(c))
	assert.Equal(t, []topology.Node{
		{Name: "rabbit1", Type: topology.Disc, AMQPPort: 5672, ManagementPort: 15672, Host: "h1"},
		{Name: "rabbit2", Type: topology.Disc, AMQPPort: 5672, ManagementPort: 15672, Host: "h3"},
		{Name: "rabbit3", Type: topology.Disc, AMQPPort: 5672, ManagementPort: 15672, Host: "h4"},
	}, c.Nodes)
	assert.Equal(t, []string{"h1", "h3"}, c.LoadBalancerHosts)
	assert.Equal(t, "192.0.2.3", c.PublishAddress("h3"))
	assert.Equal(t, "h1", c.FormationHostName())
	assert.Equal(t, map[string]string{"rabbit1": "192.0.2.1", "rabbit3": "192.0.2.4", "formation": "192.0.2.1"},
		c.ForeignNames("h3"))

	b := c.Balancers()[1]
	assert.Equal(t, "warren-dev-haproxy-h3", b.ContainerName())
	assert.Equal(t, "warren-dev-haproxy-h3-config", b.ConfigContainerName())
	assert.Contains(t, render.HAProxyConf(b, sample.Secrets), "server rabbit1 192.0.2.1:5672 check")
	assert.Contains(t, render.HAProxyConf(b, sample.Secrets), "server rabbit2 rabbit2:5672 check",
		"on its own host by name")
}

func TestWithoutHostsThereIsOneEngine(t *testing.T) {
	c, err := New("dev", Config{})
	require.NoError(t, err)
	assert.False(t, c.HasHosts())
	assert.Equal(t, []string{""}, c.HostNames())
	assert.Empty(t, c.ForeignNames(""))
	require.Len(t, c.Balancers(), 1)
	assert.Equal(t, "warren-dev-haproxy", c.Balancers()[0].ContainerName())
	assert.Equal(t, "127.0.0.1", c.PublishAddress(""))
}

func TestOutputsOfHosts(t *testing.T) {
	c, err := New("dev", Config{Hosts: sample.Hosts("a", "b", "c")})
	require.NoError(t, err)
	out := c.Outputs(topology.Secrets{AdminPassword: "p"})
	assert.Equal(t, []string{"amqp://admin:p@192.0.2.1:5672/%2F", "amqp://admin:p@192.0.2.2:5672/%2F",
		"amqp://admin:p@192.0.2.3:5672/%2F"}, out.AMQPURLs)
	assert.Equal(t, []string{"amqp://admin:p@192.0.2.1:5671/%2F", "amqp://admin:p@192.0.2.2:5671/%2F"},
		out.BalancedAMQPURLs)
	assert.Equal(t, out.BalancedAMQPURLs[0], out.AMQPURL)
	assert.Equal(t, "http://192.0.2.1:15671", out.ManagementURL)
	assert.Equal(t, "h2", out.Nodes[1].Host)
	assert.Equal(t, "h2", out.LoadBalancers[1].Host)
	assert.Equal(t, out.LoadBalancers[0], out.LoadBalancer)
	assert.Equal(t, c.Hosts, out.Hosts)
}

func TestEveryMistakeAboutHostsIsNamed(t *testing.T) {
	three := hostsWith(func(*topology.Host) {})
	pin := func(first, second string) string {
		return fmt.Sprintf(`[{"name":"a","host":%q},{"name":"b","host":%q},{"name":"c"}]`, first, second)
	}
	for name, m := range map[string]struct {
		raw  raw
		key  string
		says string
	}{
		"no list": {raw{"hosts": "h1"}, "hosts", "write a list such as"},
		"no map":  {raw{"hosts": `["h1"]`}, "hosts[0]", "write a map of address"},
		"unknown key": {raw{"hosts": hostsAs(`"zoned":"192.0.2.2"`)}, "hosts[1].zoned",
			`did you mean "zone"?`},
		"fewer than nodes": {raw{"hosts": three, "nodes": "5"}, "hosts", "has 3 hosts for 5 nodes"},
		"no name": {raw{"hosts": hostsWith(func(h *topology.Host) {
			h.Name = ""
		})}, "hosts[1].name", "lower-case"},
		"one name twice": {raw{"hosts": hostsWith(func(h *topology.Host) {
			h.Name = "h1"
		})}, "hosts[1].name", "as is that of hosts[0]"},
		"one address twice": {raw{"hosts": hostsWith(func(h *topology.Host) { h.Address = "192.0.2.1" })},
			"hosts[1].address", "as is that of hosts[0]"},
		"one engine twice": {raw{"hosts": hostsWith(func(h *topology.Host) { h.Engine = "ssh://root@192.0.2.1" })},
			"hosts[1].engine", "as is that of hosts[0]"},
		"a loopback address": {raw{"hosts": hostsWith(func(h *topology.Host) { h.Address = "127.0.0.1" })},
			"hosts[1].address", "which every host takes for itself"},
		"no host's address": {raw{"hosts": hostsWith(func(h *topology.Host) {
			h.Address = "0.0.0.0"
		})}, "hosts[1].address", "no host's"},
		"a name for an address": {raw{"hosts": hostsWith(func(h *topology.Host) { h.Address = "example.com" })},
			"hosts[1].address", "write the IP address"},
		"no engine": {raw{"hosts": hostsWith(func(h *topology.Host) {
			h.Engine = ""
		})}, "hosts[1].engine", "write unix://"},
		"another scheme": {raw{"hosts": hostsWith(func(h *topology.Host) {
			h.Engine = "http://a:1"
		})}, "hosts[1].engine", "write unix://"},
		"tcp with no port": {raw{"hosts": hostsWith(func(h *topology.Host) {
			h.Engine = "tcp://a"
		})}, "hosts[1].engine", "write unix://"},
		"a password": {raw{"hosts": hostsWith(func(h *topology.Host) { h.Engine = "ssh://root:p@192.0.2.2" })},
			"hosts[1].engine", "has a password"},
		"certificates for ssh": {raw{"hosts": hostsWith(func(h *topology.Host) {
			h.CertPath = "/c"
		})}, "hosts[1].certPath", "leave it out"},
		"options for tcp": {raw{"hosts": hostsWith(func(h *topology.Host) {
			h.Engine, h.SSHOptions = "tcp://a:1", []string{"-v"}
		})},
			"hosts[1].sshOptions", "leave them out"},
		"one zone only": {raw{"hosts": hostsWith(func(h *topology.Host) {
			h.Zone = "a"
		})}, "hosts[1].zone", "all hosts a zone, or none"},
		"a pin to no host": {raw{"hosts": three, "nodes": pin("h9", "")}, "nodes[0].host",
			"which warren:hosts has not"},
		"two pins to one": {raw{"hosts": three, "nodes": pin("h2", "h2")}, "nodes[1].host",
			"as is that of nodes[0]"},
		"a pin and no hosts": {raw{"nodes": pin("h2", "")}, "nodes[0].host", "there is no warren:hosts"},
		"a load balancer more than hosts": {raw{"hosts": three, "loadBalancers": "4"}, "loadBalancers",
			"is 4, and there are 3 hosts"},
		"two load balancers and no hosts": {raw{"loadBalancers": "2"}, "loadBalancers", "there is no warren:hosts"},
		"another AMQP port": {raw{"hosts": three, "ports": `{"amqp":6000}`}, "ports.amqp",
			"have port 5672"},
		"another port of one node": {raw{"hosts": three,
			"nodes": `[{"name":"a","managementPort":1},{"name":"b"},{"name":"c"}]`},
			"nodes[0].managementPort", "have port 15672"},
		"a load balancer's port that nodes have": {raw{"hosts": three, "ports": `{"stats":15692}`}, "ports",
			"which nodes have"},
		"a load balancer's port twice": {raw{"hosts": three, "ports": `{"stats":5671}`}, "ports",
			"give port 5671 to AMQP of the load balancer and to statistics of the load balancer"},
		"a bind address": {raw{"hosts": three, "bindAddress": "0.0.0.0"}, "bindAddress",
			"published on the hosts' addresses"},
		"a load balancer's name": {raw{"hosts": three,
			"nodes": `[{"name":"haproxy-h2"},{"name":"b"},{"name":"c"}]`},
			"nodes[0].name", "the name of the load balancer on h2"},
		"a zone with a majority": {raw{"hosts": mustJSON(sample.Hosts("a", "a", "b", "c")),
			"nodes": `[{"name":"a","host":"h1"},{"name":"b","host":"h2"},{"name":"c"}]`},
			"hosts", "zone a with half of the nodes or more"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("dev", m.raw)
			var invalid *ValidationError
			require.ErrorAs(t, err, &invalid)
			found := slices.IndexFunc(invalid.Problems, func(p Problem) bool { return p.Key == m.key })
			require.GreaterOrEqual(t, found, 0, "%v", err)
			assert.Contains(t, invalid.Problems[found].String(), m.says)
			assert.Len(t, invalid.Problems, 1, "one mistake gives one problem: %v", err)
		})
	}
}

// hostsAs are three hosts of which the second has what is given in addition.
func hostsAs(more string) string {
	return `[{"name":"h1","engine":"ssh://a","address":"192.0.2.1"},` +
		`{"name":"h2","engine":"ssh://b","address":"192.0.2.2",` + more + `},` +
		`{"name":"h3","engine":"ssh://c","address":"192.0.2.3"}]`
}

func mustJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestAllMistakesAboutHostsAreReportedAtOnce(t *testing.T) {
	_, err := Parse("dev", raw{
		"hosts": `[{"name":"H","engine":"e","address":"127.0.0.1"},{"name":"h2","engine":"tcp://a:1","address":"x"}]`,
		"nodes": `[{"name":"a","host":"h9"},{"name":"b"},{"name":"c"}]`, "loadBalancers": "3",
		"ports": `{"amqp":1}`, "bindAddress": "::",
	})
	var invalid *ValidationError
	require.ErrorAs(t, err, &invalid)
	assert.Len(t, invalid.Problems, 9, "%v", err)
}

func TestWarningsAboutHosts(t *testing.T) {
	c, err := New("dev", Config{Hosts: sample.Hosts("a", "a", "b")})
	require.NoError(t, err)
	require.Len(t, Warnings(c), 1)
	assert.Contains(t, Warnings(c)[0], "the loss of zone a stops the cluster")

	hosts := sample.Hosts("", "", "")
	hosts[0].Engine = "tcp://192.0.2.1:2375"
	c, err = New("dev", Config{Hosts: hosts})
	require.NoError(t, err)
	require.Len(t, Warnings(c), 1)
	assert.Contains(t, Warnings(c)[0], "without TLS")
}
