package preflight

import (
	"errors"
	"net"
	"strconv"
	"testing"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine"
	"warren/infra/engine/enginetest"
	"warren/infra/survey"
	"warren/internal/livestack"
	"warren/topology"
	"warren/topology/stackconfig"
)

// look is the look of a first deployment.
func look(t *testing.T, docker engine.Client, cluster *topology.Cluster) (*survey.Found, error) {
	t.Helper()
	reached, away, err := Reach(t.Context(), docker, cluster, survey.Last{})
	if err != nil {
		return nil, err
	}
	require.Empty(t, away)
	return survey.Look(t.Context(), reached, cluster, survey.Last{})
}

// check runs the preflight for a stack with a configuration.
func check(t *testing.T, docker *enginetest.Fake, config stackconfig.Config) error {
	t.Helper()
	return checkOn(t, docker, config)
}

func checkOn(t *testing.T, docker engine.Client, config stackconfig.Config) error {
	t.Helper()
	cluster, err := stackconfig.New(enginetest.Stack, config)
	require.NoError(t, err)
	found, err := look(t, docker, cluster)
	if err != nil {
		return err
	}
	return Check(t.Context(), docker, cluster, found, survey.Desired(cluster, "COOKIE", "owner"))
}

func TestPreflightPasses(t *testing.T) {
	assert.NoError(t, check(t, &enginetest.Fake{}, stackconfig.Config{}))
}

func TestPreflightNoEngine(t *testing.T) {
	err := check(t, &enginetest.Fake{Down: errors.New("connection refused")}, stackconfig.Config{})
	assert.ErrorContains(t, err,
		"no Docker engine answers at tcp://elsewhere:2375 (connection refused): start one, or set DOCKER_HOST")
}

func TestPreflightTellsEverythingAtOnce(t *testing.T) {
	err := check(t, &enginetest.Fake{
		Memory:  1 << 30,
		Missing: map[string]error{"rabbitmq:4.3": errdefs.ErrNotFound, "warren/haproxy:3.2": nil},
		Containers: []container.Summary{{
			Names: []string{"/other"}, Ports: []container.Port{{IP: "0.0.0.0", PublicPort: 5673}},
		}},
	}, stackconfig.Config{Image: "rabbitmq:4.3", MemoryLimit: "1GiB"})
	var problems *Error
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems.Problems, 4)
	assert.ErrorContains(t, err, "3 nodes of 1.0 GiB and the load balancer take 3.4 GiB of memory, "+
		"and the machine of the Docker engine has 1.0 GiB")
	assert.ErrorContains(t, err, "the image rabbitmq:4.3 is neither here nor available from its registry")
	assert.ErrorContains(t, err, "the image warren/haproxy:3.2 is not there: run `make images`")
	assert.ErrorContains(t, err, "port 5673 (rabbit2, AMQP) belongs to the container other")
}

func TestPreflightLeavesImagesThatNeedCredentialsToTheProvider(t *testing.T) {
	for _, registry := range []error{nil, errdefs.ErrUnauthenticated, errdefs.ErrPermissionDenied} {
		docker := &enginetest.Fake{Missing: map[string]error{"example.com/rabbitmq:4.3": registry}}
		assert.NoError(t, check(t, docker, stackconfig.Config{Image: "example.com/rabbitmq:4.3"}))
	}
}

func TestPreflightDisk(t *testing.T) {
	config := stackconfig.Config{DiskFreeLimit: "4000TB", Ports: livestack.FreePorts(t)}
	err := check(t, &enginetest.Fake{Local: true, Root: t.TempDir()}, config)
	assert.ErrorContains(t, err, "warren:diskFreeLimit = 3725290.3 GiB")

	err = check(t, &enginetest.Fake{Local: true, Root: "/no/such/folder"}, config)
	assert.NoError(t, err, "the engine's disk is out of sight")
}

func TestPreflightPorts(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	ports := livestack.FreePorts(t)
	ports.Stats = port
	config := stackconfig.Config{Ports: ports}
	publishing := func(stack string) []container.Summary {
		return []container.Summary{{
			Names:  []string{"/c"},
			Labels: map[string]string{topology.LabelStack: stack},
			Ports:  []container.Port{{IP: "127.0.0.1", PublicPort: uint16(port)}},
		}}
	}

	err = check(t, &enginetest.Fake{Local: true}, config)
	assert.ErrorContains(t, err, "port "+strconv.Itoa(port)+" (load balancer, statistics) can't be used: "+
		"another process listens there")

	err = check(t, &enginetest.Fake{Local: true, Containers: publishing("other")}, config)
	assert.ErrorContains(t, err, "belongs to the container c")

	err = check(t, &enginetest.Fake{Local: true, Containers: publishing(enginetest.Stack)}, config)
	assert.NoError(t, err, "the stack's own container")

	// A container that crashes starts again and again. Lists show its ports from time to time only.
	crashing := container.Summary{
		ID: "crashing", State: container.StateRestarting,
		Labels: map[string]string{topology.LabelStack: enginetest.Stack},
	}
	for _, state := range []string{container.StateRestarting, container.StateExited} {
		crashing.State = state
		err = check(t, &enginetest.Fake{
			Local: true, Containers: []container.Summary{crashing}, Publishes: map[string][]int{"crashing": {1, port}},
		}, config)
		assert.NoError(t, err, "the stack's own container is %s", state)
	}
	crashing.Labels = map[string]string{topology.LabelStack: "other"}
	err = check(t, &enginetest.Fake{
		Local: true, Containers: []container.Summary{crashing}, Publishes: map[string][]int{"crashing": {port}},
	}, config)
	assert.ErrorContains(t, err, "another process listens there")

	config.BindAddress = "192.0.2.1"
	err = check(t, &enginetest.Fake{Local: true}, config)
	assert.ErrorContains(t, err, "this machine has no address 192.0.2.1: correct warren:bindAddress")
}

func TestPreflightRefusesWhatThePlannerRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		label, value, says string
	}{
		"a downgrade": {topology.LabelSeries, "4.4", "4.4"},
		"another Erlang cookie": {topology.LabelCookie,
			topology.Secrets{ErlangCookie: "ANOTHER"}.CookieFingerprint(enginetest.Stack), "Erlang cookie"},
		"a series that is skipped": {topology.LabelSeries, "4.0", "4.2"},
	} {
		t.Run(name, func(t *testing.T) {
			nodes := enginetest.Nodes("healthy", "healthy", "healthy")
			nodes[1].Labels[tc.label] = tc.value
			err := check(t, &enginetest.Fake{Volumes: 3, Containers: nodes}, stackconfig.Config{})
			assert.ErrorContains(t, err, tc.says)
			assert.ErrorContains(t, err, "rabbit2")
		})
	}
}
