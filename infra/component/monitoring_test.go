package component

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"warren/infra/engine/enginetest"
	"warren/infra/internal/pulumitest"
	"warren/topology"
	"warren/topology/monitoring"
	"warren/topology/stackconfig"
)

var monitored = stackconfig.Config{Monitoring: stackconfig.MonitoringConfig{Enabled: true}}

func TestMonitoringIsOffUnlessAskedFor(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{})
	for _, typ := range []string{pulumitest.Container, pulumitest.Volume, pulumitest.Image} {
		for name := range r.Of(typ) {
			assert.NotContains(t, name, "prometheus")
			assert.NotContains(t, name, "alertmanager")
		}
	}
}

func TestMonitoringWatchesACompleteCluster(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, monitored)
	for _, name := range []string{"prometheus", "alertmanager"} {
		c := r.Of(pulumitest.Container)[name]
		assert.Contains(t, c.DependsOn, "formation", "%s comes last and goes first", name)
		assert.Equal(t, "monitoring", c.Parent)
		assert.Equal(t, "warren-test-"+name, c.Inputs["name"].StringValue())
		assert.Equal(t, "65534:65534", c.Inputs["user"].StringValue(), "not root")
		assert.Equal(t, name, c.Labels()[topology.LabelRole])
		assert.Positive(t, c.Inputs["memory"].NumberValue(), "bounded")
		assert.Contains(t, r.Of(pulumitest.Volume), name+"-data", "its data outlive the container")
		for _, port := range pulumitest.Array(c.Inputs["ports"]) {
			assert.Equal(t, "127.0.0.1", port.ObjectValue()["ip"].StringValue())
		}
	}
}

func TestGrafanaIsThereIfItHasAnImage(t *testing.T) {
	assert.NotContains(t, declare(t, &enginetest.Fake{}, monitored).Of(pulumitest.Container), "grafana")
	config := monitored
	config.Monitoring.GrafanaImage = "grafana/grafana:12.2.0"
	c := declare(t, &enginetest.Fake{}, config).Of(pulumitest.Container)["grafana"]
	assert.Equal(t, "warren-test-grafana", c.Inputs["name"].StringValue())
	assert.Empty(t, pulumitest.Array(c.Inputs["entrypoints"]), "that of the image")
	assert.Contains(t, c.DependsOn, "formation")
	assert.NotContains(t, fmt.Sprint(pulumitest.Plain(c.Inputs["envs"])), "stats'")
	for _, upload := range pulumitest.Array(c.Inputs["uploads"]) {
		content := upload.ObjectValue()["content"]
		secret := strings.Contains(fmt.Sprint(pulumitest.Plain(content)), "stats'")
		assert.Equal(t, secret, content.IsSecret(), upload.ObjectValue()["file"].StringValue())
	}
}

// TestNodesDoNotDependOnMonitoring so that a change of an alert replaces no node.
func TestNodesDoNotDependOnMonitoring(t *testing.T) {
	without, with := declare(t, serving(), stackconfig.Config{}), declare(t, serving(), monitored)
	for name, before := range without.Of(pulumitest.Container) {
		after := with.Of(pulumitest.Container)[name]
		assert.Equal(t, pulumitest.Plain(before.Inputs["uploads"]), pulumitest.Plain(after.Inputs["uploads"]), name)
		assert.Equal(t, before.DependsOn, after.DependsOn, name)
	}
}

func TestMonitoringShowsNoSecret(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, monitored)
	for _, name := range []string{"prometheus", "alertmanager"} {
		for key, value := range r.Of(pulumitest.Container)[name].Inputs {
			if key != "uploads" {
				assert.NotContains(t, fmt.Sprint(pulumitest.Plain(value)), "stats'", "%s of %s", key, name)
				continue
			}
			for _, upload := range value.ArrayValue() {
				content := upload.ObjectValue()["content"]
				text := fmt.Sprint(pulumitest.Plain(content))
				secret := strings.Contains(text, "stats'") || strings.Contains(text, "$2a$")
				assert.Equalf(t, secret, content.IsSecret(), "%s of %s", upload.ObjectValue()["file"].StringValue(), name)
			}
		}
	}
}

func TestMonitoringOfAStackWithTLSHasCertificates(t *testing.T) {
	config := monitored
	config.TLS = topology.TLSRequired
	r := declare(t, &enginetest.Fake{}, config)
	for name, want := range map[string][]string{
		"prometheus":   {monitoring.CertificatePath, monitoring.AuthorityPath},
		"alertmanager": {monitoring.CertificatePath},
	} {
		files := map[string]bool{}
		for _, upload := range pulumitest.Array(r.Of(pulumitest.Container)[name].Inputs["uploads"]) {
			file := upload.ObjectValue()["file"].StringValue()
			files[file] = true
			if file == monitoring.CertificatePath {
				assert.True(t, upload.ObjectValue()["content"].IsSecret(), "it comes with its key")
			}
		}
		for _, file := range want {
			assert.Contains(t, files, file, name)
		}
	}
}

func TestMonitoringOfHostsIsOnTheFirstBalancers(t *testing.T) {
	config := monitored
	config.Hosts = threeHosts()
	r := declare(t, &enginetest.Fake{}, config)
	assert.Equal(t, "engine-h1", r.Of(pulumitest.Container)["prometheus"].Provider)
	var ports []float64
	for _, p := range pulumitest.Array(r.Of(pulumitest.Container)["haproxy-h2"].Inputs["ports"]) {
		ports = append(ports, p.ObjectValue()["external"].NumberValue())
	}
	assert.Contains(t, ports, 8405.0, "which the Prometheus on another host reads")
}
