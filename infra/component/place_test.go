package component

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/plan"
	"warren/infra/engine/enginetest"
	"warren/infra/internal/pulumitest"
	"warren/infra/survey"
	"warren/topology"
	"warren/topology/stackconfig"
)

// threeHosts are hosts h1, h2 and h3.
func threeHosts() []topology.Host {
	return []topology.Host{
		{Name: "h1", Engine: "unix:///run/h1.sock", Address: "192.0.2.1", Zone: "a"},
		{Name: "h2", Engine: "tcp://192.0.2.2:2376", Address: "192.0.2.2", Zone: "b", CertPath: "/certs"},
		{Name: "h3", Engine: "ssh://root@192.0.2.3", Address: "192.0.2.3", Zone: "c", SSHOptions: []string{"-v"}},
	}
}

const provider = "pulumi:providers:docker"

func TestEveryHostHasAProvider(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{Hosts: threeHosts()})
	providers := r.Of(provider)
	assert.Len(t, providers, 3)
	assert.Equal(t, "unix:///run/h1.sock", providers["engine-h1"].Inputs["host"].StringValue())
	assert.Equal(t, "/certs", providers["engine-h2"].Inputs["certPath"].StringValue())
	assert.True(t, providers["engine-h3"].Inputs["sshOpts"].HasValue())

	want := map[string]string{
		"rabbit1": "h1", "rabbit1-join": "h1", "rabbit2": "h2", "rabbit2-join": "h2", "rabbit3": "h3",
		"rabbit3-join": "h3",
		"formation":    "h1", "haproxy-h1": "h1", "haproxy-h1-config": "h1", "haproxy-h2": "h2",
		"haproxy-h2-config": "h2",
	}
	containers := r.Of(pulumitest.Container)
	assert.ElementsMatch(t, names(want), names(containers))
	for name, host := range want {
		assert.Equal(t, "engine-"+host, containers[name].Provider, name)
	}
	for name, d := range r.Of(pulumitest.Volume) {
		assert.NotEmpty(t, d.Provider, name)
	}
	assert.ElementsMatch(t, []string{"network-h1", "network-h2", "network-h3"}, names(r.Of(pulumitest.Network)))
	assert.Equal(t, "engine-h2", r.Of(pulumitest.Network)["network-h2"].Provider)
	assert.Equal(t, "engine-h2", r.Of(pulumitest.Image)["rabbitmq-image-h2"].Provider)
	assert.Equal(t, "engine-h2", r.Of(pulumitest.Image)["haproxy-h2-image"].Provider)
}

func TestContainersAreReachedFromOtherHosts(t *testing.T) {
	containers := declare(t, &enginetest.Fake{},
		stackconfig.Config{Hosts: threeHosts()}).Of(pulumitest.Container)
	ports := func(name string) map[float64]string {
		found := map[float64]string{}
		for _, p := range pulumitest.Array(containers[name].Inputs["ports"]) {
			port := p.ObjectValue()
			assert.Equal(t, port["internal"], port["external"], name)
			found[port["internal"].NumberValue()] = port["ip"].StringValue()
		}
		return found
	}
	assert.Equal(t, map[float64]string{
		4369: "192.0.2.2", 25672: "192.0.2.2", 5672: "192.0.2.2", 15672: "192.0.2.2", 15692: "192.0.2.2",
		15700: "192.0.2.2",
	}, ports("rabbit2"))
	assert.Equal(t, map[float64]string{15701: "192.0.2.1"}, ports("formation"))
	assert.Empty(t, ports("rabbit2-join"), "nobody asks it")

	hosts := func(name string) map[string]string {
		found := map[string]string{}
		for _, h := range pulumitest.Array(containers[name].Inputs["hosts"]) {
			found[h.ObjectValue()["host"].StringValue()] = h.ObjectValue()["ip"].StringValue()
		}
		return found
	}
	elsewhere := map[string]string{"rabbit1": "192.0.2.1", "rabbit3": "192.0.2.3", "formation": "192.0.2.1"}
	assert.Equal(t, elsewhere, hosts("rabbit2"))
	assert.Equal(t, elsewhere, hosts("rabbit2-join"))
	assert.Equal(t, map[string]string{"rabbit2": "192.0.2.2", "rabbit3": "192.0.2.3"}, hosts("formation"))
}

func TestOneEngineHasNoHosts(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{})
	assert.Empty(t, r.Of(provider))
	for name, d := range r.Of(pulumitest.Container) {
		assert.NotContains(t, d.Inputs, "hosts", name)
		assert.Empty(t, d.Provider, name)
	}
}

// What is on a host that is away stays as it is, and so do the nodes that serve. A node that is down on
// another host is brought back.
func TestWhatIsKeptWhileAHostIsAway(t *testing.T) {
	cluster, err := stackconfig.New(enginetest.Stack, stackconfig.Config{Hosts: threeHosts()})
	require.NoError(t, err)
	node := func(name plan.NodeName, state plan.NodeState) plan.Node {
		return plan.Node{Name: name, State: state, Member: plan.Known(true), Deployed: plan.Known(true),
			Data: plan.Known(true)}
	}
	found := &survey.Found{
		View: plan.View{ClusterID: "id", QueuesKnown: true, LostKnown: true, Nodes: []plan.Node{
			node("rabbit@rabbit1", plan.Serving), node("rabbit@rabbit2", plan.Down),
			{Name: "rabbit@rabbit3", State: plan.Down, Member: plan.Known(true), Deployed: plan.Known(true)},
		}},
		Away: []string{"h3"},
	}
	r := run(t, func(ctx *pulumi.Context) error {
		_, err := NewCluster(ctx, enginetest.Stack, &ClusterArgs{
			Topology: cluster, Engine: &enginetest.Fake{}, PlainNames: true, Found: found, Agent: testAgent,
			Owner: pulumi.String("0123"), Secrets: &SecretsArgs{
				AdminPassword: pulumi.String("a"), StatsPassword: pulumi.String("s"),
				ErlangCookie: pulumi.String("COOKIE"),
			},
		})
		return err
	})
	kept := map[string]bool{}
	for _, d := range r.Resources {
		kept[d.Name] = len(d.IgnoreChanges) > 0 && d.IgnoreChanges[len(d.IgnoreChanges)-1] == "*"
	}
	for name, want := range map[string]bool{
		"rabbit1": true, "rabbit1-data": true, "rabbit1-join": true, // serves
		"rabbit2": false, "rabbit2-data": false, "rabbit2-join": false, // is down, and its host answers
		"rabbit3": true, "rabbit3-data": true, "rabbit3-join": true, "network-h3": true, "rabbitmq-image-h3": true,
		"network-h1": false, "haproxy-h1": false, "haproxy-h1-config": false, "haproxy-h2": false,
		"formation": true,
	} {
		assert.Contains(t, kept, name)
		assert.Equal(t, want, kept[name], name)
	}
	found.Away = nil
	assert.False(t, found.Keeps(cluster.Nodes[0]), "nothing is kept while all hosts answer")
}

func TestHostsOfLoadBalancersShareTheVirtualAddress(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{Hosts: threeHosts(), VirtualAddress: "192.0.2.99"})
	containers := r.Of(pulumitest.Container)
	require.Contains(t, containers, "haproxy-h1-keepalived")
	assert.NotContains(t, containers, "haproxy-h3-keepalived", "it has no load balancer")
	keepalived := containers["haproxy-h2-keepalived"]
	assert.Equal(t, "engine-h2", keepalived.Provider)
	assert.Equal(t, "host", keepalived.Inputs["networkMode"].StringValue())
	assert.Equal(t, "warren-test-keepalived-h2", keepalived.Inputs["name"].StringValue())
	assert.Contains(t, keepalived.DependsOn, "haproxy-h2-config",
		"the address goes to a load balancer that works")
	assert.Equal(t, map[string]string{
		"/etc/warren/serve-keepalived": "0555", "/etc/warren/check-haproxy": "0555",
		"/etc/warren/keepalived.conf": "0444",
	}, keepalived.Permissions())
	for _, p := range pulumitest.Array(containers["haproxy-h1"].Inputs["ports"]) {
		want := "0.0.0.0" // the host may not have the virtual address yet
		if p.ObjectValue()["external"].NumberValue() == topology.BalancerMetricsPort {
			want = "192.0.2.1"
		}
		assert.Equal(t, want, p.ObjectValue()["ip"].StringValue())
	}
	assert.Equal(t, "192.0.2.1", pulumitest.Array(containers["rabbit1"].Inputs["ports"])[0].
		ObjectValue()["ip"].StringValue(), "nodes are where they were")

	without := declare(t, &enginetest.Fake{}, stackconfig.Config{Hosts: threeHosts()})
	for name := range without.Of(pulumitest.Container) {
		assert.NotContains(t, name, topology.KeepalivedHost)
	}
}
