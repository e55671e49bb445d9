package preflight

import (
	"errors"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine"
	"warren/infra/engine/enginetest"
	"warren/infra/survey"
	"warren/topology"
	"warren/topology/stackconfig"
)

func hosts() []topology.Host {
	return []topology.Host{
		{Name: "h1", Engine: "ssh://a", Address: "192.0.2.1"},
		{Name: "h2", Engine: "ssh://b", Address: "192.0.2.2"},
		{Name: "h3", Engine: "ssh://c", Address: "192.0.2.3"},
	}
}

// checkHosts runs the preflight for a stack on three hosts.
func checkHosts(t *testing.T, fakes ...*enginetest.Fake) error {
	t.Helper()
	cluster, err := stackconfig.New(enginetest.Stack, stackconfig.Config{Hosts: hosts()})
	require.NoError(t, err)
	var members []engine.Host
	for i, h := range cluster.Hosts {
		members = append(members, engine.Host{Name: h.Name, Client: fakes[i]})
	}
	group := engine.NewGroup(members...)
	found, err := look(t, group, cluster)
	if err != nil {
		return err
	}
	return Check(t.Context(), group, cluster, found, survey.Desired(cluster, "COOKIE", "owner"))
}

func TestPreflightOfHostsPasses(t *testing.T) {
	assert.NoError(t, checkHosts(t, &enginetest.Fake{}, &enginetest.Fake{}, &enginetest.Fake{}))
}

func TestPreflightNamesAllHostsThatDoNotAnswer(t *testing.T) {
	err := checkHosts(t, &enginetest.Fake{Down: errors.New("refused")}, &enginetest.Fake{},
		&enginetest.Fake{Down: errors.New("no route")})
	var problems *Error
	require.ErrorAs(t, err, &problems)
	assert.Equal(t, []string{
		"the engine of host h1 does not answer (refused): start it, or correct warren:hosts",
		"the engine of host h3 does not answer (no route): start it, or correct warren:hosts",
	}, problems.Problems)
}

func TestPreflightLooksAtEveryHost(t *testing.T) {
	err := checkHosts(t,
		&enginetest.Fake{Memory: 1 << 28},
		&enginetest.Fake{Missing: map[string]error{topology.DefaultImage: nil}},
		&enginetest.Fake{Containers: []container.Summary{{
			Names: []string{"/other"}, Ports: []container.Port{{IP: "0.0.0.0", PublicPort: 25672}},
		}}})
	var problems *Error
	require.ErrorAs(t, err, &problems)
	require.Len(t, problems.Problems, 3)
	assert.Contains(t, problems.Problems[0], "host h1: a node of 1.0 GiB and the load balancer take 1.4 GiB")
	assert.Contains(t, problems.Problems[1], "host h2: the image warren/rabbitmq:4.3 is not there")
	assert.Contains(t, problems.Problems[2],
		"host h3: port 25672 (rabbit3, for its peers) belongs to the container other: stop that, or give the host")
}

func TestClocks(t *testing.T) {
	asked := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	at := func(name string, ahead, took time.Duration) answer {
		return answer{Host: engine.Host{Name: name},
			clock: clockOf(asked.Add(ahead).Format(time.RFC3339Nano), asked, asked.Add(took))}
	}
	assert.Empty(t, clockProblems([]answer{at("h1", 0, 0), at("h2", time.Second, 0)}))
	assert.Equal(t, []string{"the clock of host h2 is at least 1.5s ahead of that of host h1: " +
		"let both follow a time server, such as with chrony"},
		clockProblems([]answer{at("h1", 0, 0), at("h2", 1500*time.Millisecond, 0)}))
	assert.Len(t, clockProblems([]answer{at("h1", -2*time.Second, 0), at("h2", 0, 0), at("h3", 0, 0)}), 2)
	assert.Empty(t, clockProblems([]answer{at("h1", 0, 0), at("h2", 5*time.Second, 5*time.Second)}),
		"the answer took that long")
	assert.Empty(t, clockProblems([]answer{at("h1", time.Hour, 0)}), "one host agrees with itself")
	assert.Equal(t, span{}, clockOf("", asked, asked))
}
