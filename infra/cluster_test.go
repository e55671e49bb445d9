package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
)

func TestResources(t *testing.T) {
	r := mustDeploy(t, &fakeEngine{}, map[string]string{"warren:nodes": "5"})

	assert.ElementsMatch(t, []string{"network"}, names(r.of(typeNetwork)))
	assert.ElementsMatch(t, []string{"rabbitmq-image", "haproxy-image"}, names(r.of(typeImage)))
	assert.ElementsMatch(t, []string{"rabbit1-data", "rabbit2-data", "rabbit3-data", "rabbit4-data", "rabbit5-data", "haproxy-config"}, names(r.of(typeVolume)))
	assert.ElementsMatch(t, []string{
		"rabbit1", "rabbit2", "rabbit3", "rabbit4", "rabbit5",
		"rabbit1-join", "rabbit2-join", "rabbit3-join", "rabbit4-join", "rabbit5-join",
		"haproxy", "haproxy-config", "formation",
	}, names(r.of(typeContainer)))
}

func TestComponents(t *testing.T) {
	r := mustDeploy(t, &fakeEngine{}, nil)

	parents := map[string]string{}
	for _, d := range r.resources {
		if d.typ != "pulumi:pulumi:Stack" {
			parents[d.typ+" "+d.name] = d.parent
		}
	}
	assert.Equal(t, "warren-test", parents["warren:index:Cluster test"])
	assert.Equal(t, "test", parents["warren:index:LoadBalancer haproxy"])
	assert.Equal(t, "test", parents["warren:index:Node rabbit1"])
	assert.Equal(t, "rabbit1", parents[typeVolume+" rabbit1-data"])
	assert.Equal(t, "rabbit1", parents[typeContainer+" rabbit1"])
	assert.Equal(t, "rabbit1", parents[typeContainer+" rabbit1-join"])
	assert.Equal(t, "haproxy", parents[typeContainer+" haproxy"])
	assert.Equal(t, "haproxy", parents[typeContainer+" haproxy-config"])
	assert.Equal(t, "test", parents[typeContainer+" formation"])
}

func TestPhysicalNamesCarryTheStack(t *testing.T) {
	r := mustDeploy(t, &fakeEngine{}, nil)

	for _, typ := range []string{typeNetwork, typeVolume, typeContainer} {
		for _, d := range r.of(typ) {
			physical := d.inputs["name"].StringValue()
			assert.Truef(t, physical == "warren-test" || strings.HasPrefix(physical, "warren-test-"), "%s is named %s", d.name, physical)
		}
	}
	assert.Equal(t, "warren-test-rabbit2", r.of(typeContainer)["rabbit2"].inputs["name"].StringValue())
	assert.Equal(t, "rabbit2", r.of(typeContainer)["rabbit2"].inputs["hostname"].StringValue())
}

func TestNodesStartTogetherWhereNothingServes(t *testing.T) {
	r := mustDeploy(t, &fakeEngine{}, nil)

	for _, d := range r.of(typeContainer) {
		others := slices.DeleteFunc(slices.Clone(d.dependsOn), func(name string) bool { return !strings.HasSuffix(name, "-join") })
		assert.Emptyf(t, others, "%s waits for other nodes", d.name)
	}
}

func TestNodesOfAServingClusterAreChangedOneByOne(t *testing.T) {
	r := mustDeploy(t, &fakeEngine{volumes: 3, containers: containersWith("healthy", "healthy", "healthy")}, nil)

	nodes := r.of(typeContainer)
	assert.NotContains(t, nodes["rabbit1"].dependsOn, "rabbit3-join")
	assert.Contains(t, nodes["rabbit2"].dependsOn, "rabbit1-join")
	assert.Contains(t, nodes["rabbit3"].dependsOn, "rabbit2-join")
	for i := 1; i <= 3; i++ {
		assert.Contains(t, nodes[fmt.Sprintf("rabbit%d-join", i)].dependsOn, fmt.Sprintf("rabbit%d", i))
	}
	assert.Contains(t, nodes["formation"].dependsOn, "rabbit3-join", "which comes after all others")
	assert.ElementsMatch(t, []string{"network", "haproxy-image", "haproxy-config"}, nodes["haproxy"].uses, "the load balancer must not be replaced because of a node")
}

// A node that stops takes it for the end of the stack that formation and load balancer are both gone.
func TestFormationAndLoadBalancerAreDestroyedBeforeNodes(t *testing.T) {
	for _, docker := range []*fakeEngine{{}, {volumes: 3, containers: containersWith("healthy", "healthy", "healthy")}} {
		containers := mustDeploy(t, docker, nil).of(typeContainer)
		for _, name := range []string{topology.FormationHost, topology.LoadBalancerHost} {
			assert.Subset(t, containers[name].dependsOn, []string{"rabbit1", "rabbit2", "rabbit3"})
		}
	}
}

func TestVolumesOfNewNodesWaitForTheirTurn(t *testing.T) {
	volumes := mustDeploy(t, &fakeEngine{volumes: 3, containers: containersWith("healthy", "healthy", "healthy")},
		map[string]string{"warren:nodes": "5"}).of(typeVolume)
	assert.Empty(t, volumes["rabbit3-data"].dependsOn)
	assert.Contains(t, volumes["rabbit4-data"].dependsOn, "rabbit3-join")
	assert.Contains(t, volumes["rabbit5-data"].dependsOn, "rabbit4-join")
}

func TestServing(t *testing.T) {
	for _, tc := range []struct {
		name    string
		volumes int
		health  []string
		serving bool
	}{
		{"nothing there", 0, nil, false},
		{"all healthy", 3, []string{"healthy", "healthy", "healthy"}, true},
		{"one down", 3, []string{"healthy", "unhealthy", "healthy"}, true},
		{"one container removed", 3, []string{"healthy", "healthy"}, true},
		{"two containers removed", 3, []string{"healthy"}, false},
		{"all containers removed", 3, nil, false},
		{"none ever came up", 3, []string{"starting", "starting", "starting"}, false},
		{"half of four, the last of which is to go", 4, []string{"starting", "healthy", "starting", "healthy"}, false},
		{"two of the three that stay", 4, []string{"healthy", "healthy"}, true},
		{"one node, to be three", 1, []string{"healthy"}, true},
		{"three of five, whose last two are to go", 5, []string{"healthy", "healthy", "healthy"}, true},
		{"three that stay of seven, four of which have left", 7, []string{"healthy", "healthy", "healthy"}, true},
		{"four of seven, one of which stays", 7, []string{"healthy", "starting", "starting", "healthy", "healthy", "healthy"}, true},
		{"one of five that stays", 5, []string{"healthy"}, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			assert.Equal(t, tc.serving, standingWith(t, tc.volumes, containersWith(tc.health...)).serves(three(t)))
		})
	}
}

func TestServingCountsANodeOnce(t *testing.T) {
	nodeAndMembership := append(containersWith("healthy"), containersWith("healthy")...)
	loadBalancer := container.Summary{Status: "Up 5 minutes (healthy)", Labels: map[string]string{labelStack: testStack}}
	assert.False(t, standingWith(t, 3, append(nodeAndMembership, loadBalancer)).serves(three(t)))
}

func TestMembersThatAreDownComeFirst(t *testing.T) {
	order := func(s standing) []string {
		var hosts []string
		for _, n := range s.order(three(t)) {
			hosts = append(hosts, n.Name)
		}
		return hosts
	}
	assert.Equal(t, []string{"rabbit1", "rabbit2", "rabbit3"}, order(standingWith(t, 3, containersWith("healthy", "healthy", "healthy"))))
	assert.Equal(t, []string{"rabbit2", "rabbit1", "rabbit3"}, order(standingWith(t, 3, containersWith("healthy", "unhealthy", "healthy"))))
	assert.Equal(t, []string{"rabbit1", "rabbit2", "rabbit3"}, order(standingWith(t, 2, containersWith("healthy", "healthy"))),
		"a node that is not there yet is none that is down")
}

// three is the default cluster.
func three(t *testing.T) *topology.Cluster {
	t.Helper()
	cluster, err := topology.New(testStack, topology.Config{})
	require.NoError(t, err)
	return cluster
}

func standingWith(t *testing.T, volumes int, containers []container.Summary) standing {
	t.Helper()
	s, err := standingOf(t.Context(), &fakeEngine{volumes: volumes, containers: containers}, testStack)
	require.NoError(t, err)
	return s
}

func TestNothingShowsASecret(t *testing.T) {
	config := map[string]string{keyOf("adminPassword"): "s3cret-admin", keyOf("statsPassword"): "s3cret-stats", keyOf("erlangCookie"): "s3cretcookie"}
	r, err := deploy(t, &fakeEngine{}, config, keyOf("adminPassword"), keyOf("statsPassword"), keyOf("erlangCookie"))
	require.NoError(t, err)

	uploaded := 0
	for _, d := range r.resources {
		for key, value := range d.inputs {
			if key == "uploads" { // which docker inspect does not show; what holds a secret is encrypted in the state
				for _, upload := range value.ArrayValue() {
					content := upload.ObjectValue()["content"]
					if strings.Contains(fmt.Sprint(plain(content)), "s3cret") {
						uploaded++
						assert.Truef(t, content.IsSecret(), "%s of %s", upload.ObjectValue()["file"].StringValue(), d.name)
					}
				}
				continue
			}
			assert.NotContainsf(t, fmt.Sprint(plain(value)), "s3cret", "%s of %s", key, d.name)
		}
	}
	assert.Equal(t, 3+3+1+1, uploaded, "cookies of three nodes, of three joins and of the formation, and haproxy.cfg")
}

func TestUploads(t *testing.T) {
	r := mustDeploy(t, &fakeEngine{}, nil)

	assert.Equal(t, map[string]string{
		"/etc/rabbitmq/rabbitmq.conf":     "0444",
		"/etc/rabbitmq/advanced.config":   "0444",
		"/etc/rabbitmq/enabled_plugins":   "0444",
		"/etc/warren/erlang.cookie":       "0400",
		"/etc/warren/definitions.json":    "0400",
		"/etc/warren/start-node":          "0555",
		"/etc/warren/prompt_election.erl": "0444",
	}, permissions(r.of(typeContainer)["rabbit1"]))
	assert.Equal(t, map[string]string{
		"/etc/warren/erlang.cookie": "0400",
		"/etc/warren/join-cluster":  "0555",
	}, permissions(r.of(typeContainer)["rabbit1-join"]))
	assert.Equal(t, map[string]string{
		"/etc/warren/erlang.cookie": "0400",
		"/etc/warren/form-cluster":  "0555",
	}, permissions(r.of(typeContainer)["formation"]))
	assert.Equal(t, map[string]string{
		"/etc/warren/serve-haproxy": "0555",
	}, permissions(r.of(typeContainer)["haproxy"]))
	assert.Equal(t, map[string]string{
		"/etc/warren/haproxy.cfg":   "0400",
		"/etc/warren/offer-haproxy": "0555",
	}, permissions(r.of(typeContainer)["haproxy-config"]))
}

func TestPortsAreBound(t *testing.T) {
	r := mustDeploy(t, &fakeEngine{}, map[string]string{"warren:bindAddress": "192.0.2.7"})

	published := map[string][]float64{}
	for _, d := range r.of(typeContainer) {
		for _, port := range arrayOf(d.inputs["ports"]) {
			assert.Equalf(t, "192.0.2.7", port.ObjectValue()["ip"].StringValue(), d.name)
			published[d.name] = append(published[d.name], port.ObjectValue()["external"].NumberValue())
		}
	}
	assert.Equal(t, map[string][]float64{
		"rabbit1": {5672, 15672}, "rabbit2": {5673, 15673}, "rabbit3": {5674, 15674}, "haproxy": {5671, 15671, 8404},
	}, published)
}

func TestJoinsFailTheDeploymentAndAreRepeated(t *testing.T) {
	r := mustDeploy(t, &fakeEngine{}, nil)

	join := r.of(typeContainer)["rabbit2-join"].inputs
	assert.True(t, join["wait"].BoolValue(), "the deployment waits for the membership")
	assert.True(t, join["rm"].BoolValue(), "a membership that ended is missing, and made again")
	assert.Equal(t, "rabbit2-id", labelsOf(join)[labelNodeContainer], "a new node container is a new membership")
	assert.Equal(t, roleJoin, labelsOf(join)[labelRole])
}

func TestJoinsWatchAndExplainTheirNode(t *testing.T) {
	r := mustDeploy(t, &fakeEngine{}, nil)

	for _, d := range r.of(typeContainer) {
		if node, isJoin := strings.CutSuffix(d.name, "-join"); isJoin {
			assert.Equal(t, []string{"watch-" + node}, d.beforeCreate)
			assert.Equal(t, []string{"explain-" + node}, d.onError)
		} else if d.name == "haproxy-config" {
			assert.Equal(t, []string{"explain-haproxy-config"}, d.onError)
		} else if d.name != topology.FormationHost {
			assert.Emptyf(t, append(d.beforeCreate, d.onError...), "%s", d.name)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	r := mustDeploy(t, &fakeEngine{}, map[string]string{"warren:memoryLimit": "512MiB"})
	node := r.of(typeContainer)["rabbit1"].inputs
	assert.Equal(t, 512.0, node["memory"].NumberValue())
	assert.Equal(t, 512.0, node["memorySwap"].NumberValue())

	node = mustDeploy(t, &fakeEngine{}, nil).of(typeContainer)["rabbit1"].inputs
	assert.False(t, node.HasValue("memory"))
	assert.False(t, node.HasValue("memorySwap"))
}

func TestStopTimesMatch(t *testing.T) {
	node := mustDeploy(t, &fakeEngine{}, nil).of(typeContainer)["rabbit1"].inputs
	assert.Equal(t, node["stopTimeout"], node["destroyGraceSeconds"], "Pulumi gives a node as long to stop as `docker stop`")
}

func TestNodesRestartWithTheEngine(t *testing.T) {
	r := mustDeploy(t, &fakeEngine{}, nil)
	for _, name := range []string{"rabbit1", "haproxy"} {
		assert.Equal(t, "unless-stopped", r.of(typeContainer)[name].inputs["restart"].StringValue())
	}
}

func TestOutputs(t *testing.T) {
	cluster, err := topology.New(testStack, topology.Config{})
	require.NoError(t, err)
	outputs, err := stackOutputs(cluster.Outputs(topology.Secrets{AdminPassword: "s3cret", StatsPassword: "s3cret", ErlangCookie: "s3cret"}))
	require.NoError(t, err)

	assert.ElementsMatch(t, []string{"stack", "formation", "amqpUrl", "amqpUrls", "managementUrl", "statsUrl", "username", "password", "statsPassword",
		"network", "nodes", "loadBalancer", "rabbitmqSeries"}, names(outputs))
	for name, output := range outputs {
		if strings.Contains(fmt.Sprint(output), "s3cret") {
			assert.Containsf(t, secretOutputs, name, "output %s", name)
		}
	}
	for _, name := range secretOutputs {
		assert.Contains(t, outputs, name)
	}
}

func keyOf(name string) string { return namespace + name }

func names[V any](m map[string]V) []string {
	var keys []string
	for key := range m {
		keys = append(keys, key)
	}
	return keys
}

// plain is a value without the marks of secrets.
func plain(v resource.PropertyValue) any {
	return v.MapRepl(nil, func(v resource.PropertyValue) (any, bool) {
		if v.IsSecret() {
			return plain(v.SecretValue().Element), true
		}
		return nil, false
	})
}

func arrayOf(v resource.PropertyValue) []resource.PropertyValue {
	if !v.IsArray() {
		return nil
	}
	return v.ArrayValue()
}

func permissions(d declared) map[string]string {
	modes := map[string]string{}
	for _, upload := range arrayOf(d.inputs["uploads"]) {
		modes[upload.ObjectValue()["file"].StringValue()] = upload.ObjectValue()["permissions"].StringValue()
	}
	return modes
}

func labelsOf(inputs resource.PropertyMap) map[string]string {
	l := map[string]string{}
	for _, label := range arrayOf(inputs["labels"]) {
		l[label.ObjectValue()["label"].StringValue()] = label.ObjectValue()["value"].StringValue()
	}
	return l
}

// containersWith returns the running containers of nodes 1, 2 and so on, of the given health.
func containersWith(health ...string) []container.Summary {
	var containers []container.Summary
	for i, h := range health {
		containers = append(containers, container.Summary{
			Status: "Up 5 minutes (" + h + ")",
			Labels: map[string]string{
				labelStack: testStack, labelRole: roleNode, labelNode: fmt.Sprintf("rabbit%d", i+1), labelSeries: "4.3",
			},
		})
	}
	return containers
}
