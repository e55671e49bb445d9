package preflight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/assert"

	"warren/infra/engine"
	"warren/infra/engine/enginetest"
	"warren/topology"
	"warren/topology/stackconfig"
)

// limited is an engine that grants a process so many open files, and no more.
type limited struct {
	*enginetest.Fake
	granted int64
	created []*container.HostConfig
}

func (l *limited) ContainerCreate(
	_ context.Context, _ *container.Config, host *container.HostConfig, _ *network.NetworkingConfig,
	_ *ocispec.Platform, _ string,
) (container.CreateResponse, error) {
	l.created = append(l.created, host)
	return container.CreateResponse{ID: "trial"}, nil
}

func (l *limited) ContainerStart(context.Context, string, container.StartOptions) error {
	limit := l.granted
	for _, u := range l.created[len(l.created)-1].Ulimits {
		if limit = u.Hard; limit > l.granted {
			return errors.New("OCI runtime create failed: error setting rlimit type 7: operation not permitted")
		}
	}
	l.Logs["trial"] = enginetest.Log(fmt.Sprintln(limit))
	return nil
}

func (l *limited) ContainerWait(
	context.Context, string, container.WaitCondition,
) (<-chan container.WaitResponse, <-chan error) {
	ended := make(chan container.WaitResponse, 1)
	ended <- container.WaitResponse{}
	return ended, nil
}

func TestConnectionsForWhichTheEngineGrantsTooFewFilesAreRefused(t *testing.T) {
	docker := &limited{Fake: &enginetest.Fake{Logs: map[string]io.Reader{}}, granted: 20_000}
	assert.NoError(t, checkOn(t, docker, stackconfig.Config{}))
	assert.Empty(t, docker.created, "the default takes no trial")

	many := func(n int) stackconfig.Config { return stackconfig.Config{ConnectionMax: n} }
	err := checkOn(t, docker, many(5905))
	assert.ErrorContains(t, err, "warren:connectionMax is 5905, for which a node opens up to 20002 "+
		"files, and the Docker engine grants 20000: write at most 5904")
	assert.NoError(t, checkOn(t, docker, many(5904)))
	assert.Len(t, docker.Removed, len(docker.created), "nothing is left of a trial")
	docker.granted = 1 << 30
	assert.NoError(t, checkOn(t, docker, many(500_000)))

	assert.NoError(t, checkOn(t, docker.Fake, many(5905)), "what can't be tried out is not refused")
}

func TestNamesThatOthersHaveAreRefused(t *testing.T) {
	labels := map[string]string{topology.LabelStack: "test-x"}
	docker := &enginetest.Fake{Containers: []container.Summary{
		{Names: []string{"/warren-test-x-rabbit1"}, Labels: labels},
		{Names: []string{"/warren-test-x-rabbit1-join"}, Labels: labels},
		{Names: []string{"/warren-test-haproxy"}},
		{Names: []string{"/warren-test-x-rabbit2"},
			Labels: map[string]string{topology.LabelStack: enginetest.Stack}},
		{Names: []string{"/other"}},
	}}
	err := checkOn(t, docker, stackconfig.Config{Nodes: stackconfig.NodesConfig{
		List: []stackconfig.NodeConfig{{Name: "x-rabbit1"}, {Name: "x-rabbit2"}, {Name: "x-rabbit3"}},
	}})
	var problems *Error
	assert.ErrorAs(t, err, &problems)
	assert.Len(t, problems.Problems, 3)
	for _, says := range []string{
		"the container warren-test-x-rabbit1 is of stack test-x, and its name is the one for node x-rabbit1 of " +
			"stack test",
		"the container warren-test-x-rabbit1-join is of stack test-x, and its name is the one for the " +
			"membership of node",
		"the container warren-test-haproxy is not Warren's, and its name is the one for the load balancer",
	} {
		assert.ErrorContains(t, err, says)
	}
}

var _ engine.Client = (*limited)(nil)
