package preflight

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine"
	"warren/infra/engine/enginetest"
	"warren/infra/survey"
	"warren/topology/stackconfig"
)

// A deployment goes on without a host if that leaves most nodes and is not what is to change.
func TestReach(t *testing.T) {
	deployed := survey.Last{Known: true, Deployed: true, Nodes: []string{"rabbit1", "rabbit2", "rabbit3"}}
	two := survey.Last{Known: true, Deployed: true, Nodes: []string{"rabbit1", "rabbit2"}}
	off := errors.New("no route")
	for _, c := range []struct {
		name  string
		last  survey.Last
		down  [3]error
		away  []string
		fails string
	}{
		{"all answer", deployed, [3]error{}, nil, ""},
		{"one is off", deployed, [3]error{nil, nil, off}, []string{"h3"}, ""},
		{"two are off", deployed, [3]error{off, nil, off}, nil, "host h3 does not answer (no route)"},
		{"nothing was deployed yet", survey.Last{Known: true}, [3]error{nil, nil, off}, nil,
			"host h3 does not answer"},
		{"a node is new", two,
			[3]error{nil, nil, off}, nil, "neither come nor go while host h3 is away"},
		{"a node is new and all answer", two, [3]error{}, nil, ""},
	} {
		cluster, err := stackconfig.New(enginetest.Stack, stackconfig.Config{Hosts: hosts()})
		require.NoError(t, err)
		var members []engine.Host
		for i, h := range cluster.Hosts {
			members = append(members, engine.Host{Name: h.Name, Client: &enginetest.Fake{Down: c.down[i]}})
		}
		reached, away, err := Reach(t.Context(), engine.NewGroup(members...), cluster, c.last)
		if c.fails != "" {
			assert.ErrorContains(t, err, c.fails, c.name)
			continue
		}
		require.NoError(t, err, c.name)
		assert.Equal(t, c.away, away, c.name)
		assert.Len(t, engine.HostsOf(reached), 3-len(away), c.name)
	}
}
