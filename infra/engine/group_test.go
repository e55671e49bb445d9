package engine_test

import (
	"errors"
	"testing"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine"
	"warren/infra/engine/enginetest"
	"warren/topology"
	"warren/topology/stackconfig"
)

func TestAGroupHasWhatItsEnginesHave(t *testing.T) {
	first := &enginetest.Fake{Containers: enginetest.Nodes("healthy"), Volumes: 1}
	second := &enginetest.Fake{Containers: enginetest.Nodes("healthy", "healthy")[1:], Volumes: 1}
	group := engine.NewGroup(engine.Host{Name: "h1", Client: first}, engine.Host{Name: "h2", Client: second})

	containers, err := group.ContainerList(t.Context(), container.ListOptions{})
	require.NoError(t, err)
	assert.Len(t, containers, 2)
	volumes, err := group.VolumeList(t.Context(), volume.ListOptions{})
	require.NoError(t, err)
	assert.Len(t, volumes.Volumes, 2)

	second.Down = errors.New("refused")
	_, err = group.Info(t.Context())
	assert.ErrorContains(t, err, "host h2: refused")
}

func TestAGroupFindsAContainerWhereverItIs(t *testing.T) {
	first := &enginetest.Fake{}
	second := &enginetest.Fake{
		Exec:   &enginetest.ExecResult{Status: 3, Output: enginetest.Output("said")},
		States: []enginetest.State{{Restarts: 2}},
	}
	group := engine.NewGroup(engine.Host{Name: "h1", Client: first}, engine.Host{Name: "h2", Client: second})
	state, err := group.ContainerInspect(t.Context(), "c")
	require.NoError(t, err)
	assert.Equal(t, 2, state.RestartCount)
	status, output, err := engine.Exec(t.Context(), group, "c", container.ExecOptions{Cmd: []string{"x"}})
	require.NoError(t, err)
	assert.Equal(t, 3, status)
	assert.Equal(t, "said", output)
	_, err = group.ContainerLogs(t.Context(), "c", container.LogsOptions{})
	assert.True(t, cerrdefs.IsNotFound(err), "%v", err)
}

func TestConnectAll(t *testing.T) {
	cluster, err := stackconfig.New("dev", stackconfig.Config{Hosts: []topology.Host{
		{Name: "h1", Engine: "unix:///run/h1.sock", Address: "192.0.2.1"},
		{Name: "h2", Engine: "ssh://root@192.0.2.2", Address: "192.0.2.2"},
		{Name: "h3", Engine: "tcp://192.0.2.3:2375", Address: "192.0.2.3"},
	}})
	require.NoError(t, err)
	docker, err := engine.ConnectAll(cluster, "")
	require.NoError(t, err)
	assert.Len(t, engine.HostsOf(docker), 3)
	assert.True(t, engine.IsLocal(engine.On(docker, "h1")))
	assert.False(t, engine.IsLocal(engine.On(docker, "h2")))

	cluster.Hosts[2].CertPath = "/nosuch"
	_, err = engine.ConnectAll(cluster, "")
	assert.ErrorContains(t, err, "engine of host h3 at tcp://192.0.2.3:2375")

	cluster.Hosts = nil
	docker, err = engine.ConnectAll(cluster, "tcp://127.0.0.1:1")
	require.NoError(t, err)
	assert.Equal(t, []engine.Host{{Name: "", Client: docker}}, engine.HostsOf(docker))
}
