package component

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"warren/infra/engine/enginetest"
	"warren/infra/internal/pulumitest"
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
