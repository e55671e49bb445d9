package preflight

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine/enginetest"
	"warren/infra/survey"
	"warren/topology"
	"warren/topology/stackconfig"
)

func TestHostsThatAreGone(t *testing.T) {
	host := func(name, engine string) topology.Host { return topology.Host{Name: name, Engine: engine} }
	now := hosts() // h1 at ssh://a, h2 at ssh://b, h3 at ssh://c
	for name, c := range map[string]struct {
		was   []topology.Host
		ids   map[string]string
		fails string
	}{
		"nothing has changed": {was: now},
		"one has left and answers": {
			was: append(hosts(), host("h4", "ssh://d")), ids: map[string]string{"ssh://d": "4"},
		},
		"one has left and is lost": {
			was: append(hosts(), host("h4", "ssh://d")), fails: "host h4 is not in warren:hosts any more",
		},
		"one has moved": {
			was: []topology.Host{host("h1", "tcp://a:1")}, ids: map[string]string{"tcp://a:1": "1", "ssh://a": "1"},
		},
		"one has been replaced under its name, and is lost": {
			was: []topology.Host{host("h1", "tcp://a:1")}, ids: map[string]string{"ssh://a": "1"},
		},
		"one has been replaced under its name, and answers": {
			was: []topology.Host{host("h1", "tcp://a:1")}, ids: map[string]string{"tcp://a:1": "0", "ssh://a": "1"},
			fails: "Give the new host another name",
		},
	} {
		cluster, err := stackconfig.New(enginetest.Stack, stackconfig.Config{Hosts: now})
		require.NoError(t, err)
		identify := func(_ context.Context, h topology.Host) (string, error) {
			if id, answers := c.ids[h.Engine]; answers {
				return id, nil
			}
			return "", errors.New("no route")
		}
		err = Gone(t.Context(), cluster, survey.Last{Deployed: true, Hosts: c.was}, identify)
		if c.fails == "" {
			assert.NoError(t, err, name)
			continue
		}
		var problems *Error
		require.ErrorAs(t, err, &problems, name)
		require.Len(t, problems.Problems, 1, name)
		assert.Contains(t, problems.Problems[0], c.fails, name)
	}
}
