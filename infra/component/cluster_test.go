package component

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/plan"
	"warren/infra/agentbinary"
	"warren/infra/engine/enginetest"
	"warren/infra/internal/pulumitest"
	"warren/topology"
	"warren/topology/stackconfig"
)

func TestResources(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{Nodes: stackconfig.NodesConfig{Count: 5}})

	assert.ElementsMatch(t, []string{"network"}, names(r.Of(pulumitest.Network)))
	assert.ElementsMatch(t, []string{"rabbitmq-image", "haproxy-image"}, names(r.Of(pulumitest.Image)))
	assert.ElementsMatch(t, []string{
		"rabbit1-data", "rabbit2-data", "rabbit3-data", "rabbit4-data", "rabbit5-data", "haproxy-config",
	}, names(r.Of(pulumitest.Volume)))
	assert.ElementsMatch(t, []string{
		"rabbit1", "rabbit2", "rabbit3", "rabbit4", "rabbit5",
		"rabbit1-join", "rabbit2-join", "rabbit3-join", "rabbit4-join", "rabbit5-join",
		"haproxy", "haproxy-config", "formation",
	}, names(r.Of(pulumitest.Container)))
}

func TestComponents(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{})

	parents := map[string]string{}
	for _, d := range r.Resources {
		if d.Type != "pulumi:pulumi:Stack" {
			parents[d.Type+" "+d.Name] = d.Parent
		}
	}
	assert.Equal(t, "warren-test", parents["warren:index:Cluster test"])
	assert.Equal(t, "test", parents["warren:index:LoadBalancer haproxy"])
	assert.Equal(t, "test", parents["warren:index:Node rabbit1"])
	assert.Equal(t, "rabbit1", parents[pulumitest.Volume+" rabbit1-data"])
	assert.Equal(t, "rabbit1", parents[pulumitest.Container+" rabbit1"])
	assert.Equal(t, "rabbit1", parents[pulumitest.Container+" rabbit1-join"])
	assert.Equal(t, "haproxy", parents[pulumitest.Container+" haproxy"])
	assert.Equal(t, "haproxy", parents[pulumitest.Container+" haproxy-config"])
	assert.Equal(t, "test", parents[pulumitest.Container+" formation"])
}

func TestPhysicalNamesCarryTheStack(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{})

	for _, typ := range []string{pulumitest.Network, pulumitest.Volume, pulumitest.Container} {
		for _, d := range r.Of(typ) {
			physical := d.Inputs["name"].StringValue()
			carries := physical == "warren-test" || strings.HasPrefix(physical, "warren-test-")
			assert.Truef(t, carries, "%s is named %s", d.Name, physical)
		}
	}
	assert.Equal(t, "warren-test-rabbit2", r.Of(pulumitest.Container)["rabbit2"].Inputs["name"].StringValue())
	assert.Equal(t, "rabbit2", r.Of(pulumitest.Container)["rabbit2"].Inputs["hostname"].StringValue())
}

func TestNodesStartTogetherWhereNothingServes(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{})

	for _, d := range r.Of(pulumitest.Container) {
		for _, other := range d.DependsOn {
			assert.Falsef(t, strings.HasSuffix(other, "-join"), "%s waits for %s", d.Name, other)
		}
	}
}

func TestNodesOfAServingClusterAreChangedOneByOne(t *testing.T) {
	r := declare(t, serving(), stackconfig.Config{})

	nodes := r.Of(pulumitest.Container)
	assert.NotContains(t, nodes["rabbit1"].DependsOn, "rabbit3-join")
	assert.Contains(t, nodes["rabbit2"].DependsOn, "rabbit1-join")
	assert.Contains(t, nodes["rabbit3"].DependsOn, "rabbit2-join")
	for i := 1; i <= 3; i++ {
		assert.Contains(t, nodes[fmt.Sprintf("rabbit%d-join", i)].DependsOn, fmt.Sprintf("rabbit%d", i))
	}
	assert.Contains(t, nodes["formation"].DependsOn, "rabbit3-join", "which comes after all others")
	assert.ElementsMatch(t, []string{"network", "haproxy-image", "haproxy-config"}, nodes["haproxy"].Uses,
		"the load balancer must not be replaced because of a node")
}

// The formation says farewell to the nodes when it is deleted.
func TestFormationAndLoadBalancerAreDestroyedBeforeNodes(t *testing.T) {
	for _, docker := range []*enginetest.Fake{{}, serving()} {
		containers := declare(t, docker, stackconfig.Config{}).Of(pulumitest.Container)
		for _, name := range []string{topology.FormationHost, topology.LoadBalancerHost} {
			assert.Subset(t, containers[name].DependsOn, []string{"rabbit1", "rabbit2", "rabbit3"})
		}
	}
}

func TestVolumesOfNewNodesWaitForTheirTurn(t *testing.T) {
	volumes := declare(t, serving(),
		stackconfig.Config{Nodes: stackconfig.NodesConfig{Count: 5}}).Of(pulumitest.Volume)
	assert.Empty(t, volumes["rabbit3-data"].DependsOn)
	assert.Contains(t, volumes["rabbit4-data"].DependsOn, "rabbit3-join")
	assert.Contains(t, volumes["rabbit5-data"].DependsOn, "rabbit4-join")
}

func TestEverythingSaysWhoMadeIt(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{})
	for _, typ := range []string{pulumitest.Network, pulumitest.Volume, pulumitest.Container} {
		for name, d := range r.Of(typ) {
			assert.Equalf(t, "0123", d.Labels()[topology.LabelOwner], "%s %s", typ, name)
			assert.Equalf(t, enginetest.Stack, d.Labels()[topology.LabelStack], "%s %s", typ, name)
		}
	}
}

func TestSecretsAndOwnerAreKeptInTheState(t *testing.T) {
	r := &pulumitest.Recorder{Kept: map[string]any{
		"test-owner":   "0123",
		"test-secrets": map[string]any{"adminPassword": "a", "statsPassword": "s", "erlangCookie": "KEPT"},
	}}
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", "another than at first")
	require.NoError(t, pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := NewCluster(ctx, enginetest.Stack, &ClusterArgs{Engine: &enginetest.Fake{}, Agent: testAgent})
		return err
	}, pulumitest.WithRecorder(r)))
	node := r.Of(pulumitest.Container)["test-rabbit1"]
	assert.Equal(t, "0123", node.Labels()[topology.LabelOwner])
	want := topology.Secrets{ErlangCookie: "KEPT"}.CookieFingerprint("warren-test-test")
	assert.Equal(t, want, node.Labels()[topology.LabelCookie])
	assert.True(t, r.Of(pulumitest.Stash)["test-secrets"].Inputs["input"].IsSecret())
}

// A provider of the 3.x line removes a stopped container that must run, in a preview as well.
func TestStoppedContainersAreReplacedByTheProgramNotByTheProvider(t *testing.T) {
	docker := serving()
	docker.Containers[1].State, docker.Containers[1].Status = "exited", "Exited (0) 1 minute ago"
	for i := range docker.Containers {
		docker.Containers[i].Labels[topology.LabelGeneration] = "1"
	}
	containers := declare(t, docker, stackconfig.Config{}).Of(pulumitest.Container)
	for name, c := range containers {
		assert.Falsef(t, c.Inputs["mustRun"].BoolValue(), name)
	}
	assert.Equal(t, "1", containers["rabbit1"].Labels()[topology.LabelGeneration])
	assert.Equal(t, "2", containers["rabbit2"].Labels()[topology.LabelGeneration])
}

// D8: a node whose container is made while there are data never founds a cluster.
func TestNodesThatAreMadeBesideDataFoundNoCluster(t *testing.T) {
	foundsNone := func(docker *enginetest.Fake, count int) (founders []string) {
		config := stackconfig.Config{Nodes: stackconfig.NodesConfig{Count: count}}
		for name, c := range declare(t, docker, config).Of(pulumitest.Container) {
			if c.Labels()[topology.LabelRole] == topology.RoleNode && c.Labels()[topology.LabelHadData] == "false" {
				founders = append(founders, name)
			}
		}
		return founders
	}
	assert.ElementsMatch(t, []string{"rabbit1", "rabbit2", "rabbit3"}, foundsNone(&enginetest.Fake{}, 3))
	assert.ElementsMatch(t, []string{"rabbit1", "rabbit2", "rabbit3"}, foundsNone(serving(), 5),
		"they keep what they had")
	docker := serving()
	docker.Containers = docker.Containers[:2]
	assert.ElementsMatch(t, []string{"rabbit1", "rabbit2"}, foundsNone(docker, 3), "rabbit3 is made again")
}

func TestNothingShowsASecret(t *testing.T) {
	r := run(t, func(ctx *pulumi.Context) error {
		_, err := NewCluster(ctx, enginetest.Stack,
			&ClusterArgs{Engine: &enginetest.Fake{}, Agent: testAgent, Secrets: &SecretsArgs{
				AdminPassword: pulumi.String("s3cret-admin"),
				StatsPassword: pulumi.String("s3cret-stats"),
				ErlangCookie:  pulumi.String("s3cretcookie"),
			}})
		return err
	})

	uploaded := 0
	for _, d := range r.Resources {
		for key, value := range d.Inputs {
			if key == "uploads" { // which docker inspect does not show; what holds a secret is encrypted in the state
				for _, upload := range value.ArrayValue() {
					content := upload.ObjectValue()["content"]
					if strings.Contains(fmt.Sprint(pulumitest.Plain(content)), "s3cret") {
						uploaded++
						assert.Truef(t, content.IsSecret(), "%s of %s", upload.ObjectValue()["file"].StringValue(), d.Name)
					}
				}
				continue
			}
			assert.NotContainsf(t, fmt.Sprint(pulumitest.Plain(value)), "s3cret", "%s of %s", key, d.Name)
		}
	}
	assert.Equal(t, 3+3+1+1, uploaded,
		"cookies of three nodes, of three memberships and of the formation, and haproxy.cfg")
}

func TestUploads(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{})

	assert.Equal(t, map[string]string{
		"/etc/rabbitmq/rabbitmq.conf":   "0444",
		"/etc/rabbitmq/advanced.config": "0444",
		"/etc/rabbitmq/enabled_plugins": "0444",
		"/etc/warren/erlang.cookie":     "0400",
		"/etc/warren/definitions.json":  "0400",
		"/etc/warren/agent":             "0555",
	}, r.Of(pulumitest.Container)["rabbit1"].Permissions())
	assert.Equal(t, map[string]string{
		"/etc/warren/erlang.cookie": "0400",
		"/etc/warren/agent":         "0555",
	}, r.Of(pulumitest.Container)["rabbit1-join"].Permissions())
	assert.Equal(t, map[string]string{
		"/etc/warren/erlang.cookie": "0400",
		"/etc/warren/agent":         "0555",
	}, r.Of(pulumitest.Container)["formation"].Permissions())
	assert.Equal(t, map[string]string{
		"/etc/warren/serve-haproxy": "0555",
	}, r.Of(pulumitest.Container)["haproxy"].Permissions())
	assert.Equal(t, map[string]string{
		"/etc/warren/haproxy.cfg":   "0400",
		"/etc/warren/offer-haproxy": "0555",
	}, r.Of(pulumitest.Container)["haproxy-config"].Permissions())
}

func TestPortsAreBound(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{BindAddress: "192.0.2.7"})

	published := map[string][]float64{}
	for _, d := range r.Of(pulumitest.Container) {
		for _, port := range pulumitest.Array(d.Inputs["ports"]) {
			assert.Equalf(t, "192.0.2.7", port.ObjectValue()["ip"].StringValue(), d.Name)
			published[d.Name] = append(published[d.Name], port.ObjectValue()["external"].NumberValue())
		}
	}
	assert.Equal(t, map[string][]float64{
		"rabbit1": {5672, 15672}, "rabbit2": {5673, 15673}, "rabbit3": {5674, 15674},
		"haproxy": {5671, 15671, 8404},
	}, published)
}

func TestJoinsFailTheDeploymentAndAreRepeated(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{})

	join := r.Of(pulumitest.Container)["rabbit2-join"]
	assert.True(t, join.Inputs["wait"].BoolValue(), "the deployment waits for the membership")
	assert.Equal(t, "unless-stopped", join.Inputs["restart"].StringValue(),
		"it outlives a restart of the engine")
	assert.Equal(t, "rabbit2-id", join.Labels()[topology.LabelNodeContainer],
		"a new node container is a new membership")
	assert.Equal(t, topology.RoleMembership, join.Labels()[topology.LabelRole])
}

func TestJoinsWatchAndExplainTheirNode(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{})

	for _, d := range r.Of(pulumitest.Container) {
		if node, isJoin := strings.CutSuffix(d.Name, "-join"); isJoin {
			assert.Equal(t, []string{"watch-" + node}, d.BeforeCreate)
			assert.Equal(t, []string{"explain-" + node}, d.OnError)
		} else if d.Name == "haproxy-config" {
			assert.Equal(t, []string{"watch-haproxy-config"}, d.BeforeCreate)
			assert.Equal(t, []string{"explain-haproxy-config"}, d.OnError)
		} else if d.Name != topology.FormationHost {
			assert.Emptyf(t, append(d.BeforeCreate, d.OnError...), "%s", d.Name)
		}
	}
}

func TestMemoryLimit(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{MemoryLimit: "512MiB"})
	node := r.Of(pulumitest.Container)["rabbit1"].Inputs
	assert.Equal(t, 512.0, node["memory"].NumberValue())
	assert.Equal(t, 512.0, node["memorySwap"].NumberValue())

	unlimited := stackconfig.Config{MemoryLimit: "none", MemoryHighWatermark: 0.2}
	node = declare(t, &enginetest.Fake{}, unlimited).Of(pulumitest.Container)["rabbit1"].Inputs
	assert.False(t, node.HasValue("memory"))
	assert.False(t, node.HasValue("memorySwap"))
}

func TestStopTimesMatch(t *testing.T) {
	node := declare(t, &enginetest.Fake{}, stackconfig.Config{}).Of(pulumitest.Container)["rabbit1"].Inputs
	assert.Equal(t, node["stopTimeout"], node["destroyGraceSeconds"],
		"Pulumi gives a node as long to stop as `docker stop`")
}

func TestNodesRestartWithTheEngine(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{})
	for _, name := range []string{"rabbit1", "haproxy"} {
		assert.Equal(t, "unless-stopped", r.Of(pulumitest.Container)[name].Inputs["restart"].StringValue())
	}
}

func TestFormationFailsTheDeploymentAndIsRepeated(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{})

	formation := r.Of(pulumitest.Container)["formation"]
	assert.True(t, formation.Inputs["wait"].BoolValue(), "the deployment waits for it")
	assert.Equal(t, "unless-stopped", formation.Inputs["restart"].StringValue(),
		"it outlives a restart of the engine")
	assert.Equal(t, topology.RoleFormation, formation.Labels()[topology.LabelRole])
	assert.Equal(t, []string{"watch-formation"}, formation.BeforeCreate)
	assert.Equal(t, []string{"explain-formation"}, formation.OnError)
}

// TestTheFormationKnowsTheTypes keeps it from waiting without end for a RAM node to be a disc node.
func TestTheFormationKnowsTheTypes(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{
		Image: "rabbitmq:3.10", NodeTypes: map[string]topology.NodeType{"rabbit2": topology.RAM},
	})
	for _, variable := range r.Of(pulumitest.Container)["formation"].Inputs["envs"].ArrayValue() {
		name, text, _ := strings.Cut(variable.StringValue(), "=")
		if name != topology.DesiredVariable {
			continue
		}
		var desired plan.Desired
		require.NoError(t, json.Unmarshal([]byte(text), &desired))
		require.Len(t, desired.Nodes, 3)
		assert.Equal(t, topology.RAM, desired.Nodes[1].Type)
		return
	}
	t.Fatal("nothing tells the formation what is desired")
}

func TestNodesSayWhichSeriesTheyRun(t *testing.T) {
	r := declare(t, &enginetest.Fake{}, stackconfig.Config{})
	assert.Equal(t, "4.3", r.Of(pulumitest.Container)["rabbit1"].Labels()[topology.LabelSeries])
}

// serving is an engine with a cluster of three nodes that serves.
func serving() *enginetest.Fake {
	return &enginetest.Fake{Volumes: 3, Containers: enginetest.Nodes("healthy", "healthy", "healthy")}
}

// testAgent spares the tests the time to build one.
var testAgent = &agentbinary.Binary{Source: "agent", Hash: "hash"}

// declare declares the cluster of Warren's own program on an engine, with a configuration.
func declare(t *testing.T, docker *enginetest.Fake, config stackconfig.Config) *pulumitest.Recorder {
	t.Helper()
	cluster, err := stackconfig.New(enginetest.Stack, config)
	require.NoError(t, err)
	return run(t, func(ctx *pulumi.Context) error {
		_, err := NewCluster(ctx, cluster.Stack, &ClusterArgs{
			Topology: cluster, Engine: docker, PlainNames: true, Agent: testAgent, Owner: pulumi.String("0123"),
			Secrets: &SecretsArgs{
				AdminPassword: pulumi.String("admin's"), StatsPassword: pulumi.String("stats'"),
				ErlangCookie: pulumi.String("COOKIE"),
			},
		})
		return err
	})
}

// run runs a program and tells what it declared.
func run(t *testing.T, program pulumi.RunFunc) *pulumitest.Recorder {
	t.Helper()
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse battery staple")
	r := &pulumitest.Recorder{}
	require.NoError(t, pulumi.RunErr(program, pulumitest.WithRecorder(r)))
	return r
}

func names[V any](m map[string]V) []string { return slices.Collect(maps.Keys(m)) }
