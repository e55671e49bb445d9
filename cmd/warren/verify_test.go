package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/verify/checker"
	"warren/verify/history"
)

// execute runs the command line and returns what it printed.
func execute(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestVerifyListsEveryFault(t *testing.T) {
	out, err := execute(t, "verify", "--list")
	require.NoError(t, err)
	for _, f := range allFaults() {
		assert.Contains(t, out, f.Name)
	}

	out, err = execute(t, "verify", "--list", "--json", "--fault", "leader-killed")
	require.NoError(t, err)
	var rows []struct{ Name, Description, Promise string }
	require.NoError(t, json.Unmarshal([]byte(out), &rows))
	require.Len(t, rows, 1)
	assert.Equal(t, "leader-killed", rows[0].Name)
	assert.NotEmpty(t, rows[0].Promise)
}

func TestVerifyRefusesNonsense(t *testing.T) {
	for says, args := range map[string][]string{
		`there is no fault "leader-kiled"`: {"--fault", "leader-kiled"},
		"--rate":                           {"--rate", "0"},
		"must not be negative":             {"--random", "-1"},
		"none of the others can be":        {"--overlap", "1", "--fault", "leader-killed"},
		"need --url":                       {"--inject", "true", "--heal", "true"},
		"missing [heal]":                   {"--url", "amqp://a/", "--inject", "true"},
		"URL 1 is no AMQP URI":             {"--url", "localhost"},
	} {
		_, err := execute(t, append([]string{"verify"}, args...)...)
		require.Error(t, err)
		assert.Contains(t, err.Error(), says)
	}
}

// saved saves a history in which one confirmed message was delivered, and another not.
func saved(t *testing.T, lost bool) string {
	t.Helper()
	h := history.History{
		Scenario: "leader-killed", Started: time.Now().UTC(), Paths: []string{history.AnyNode},
		Traffic: history.Span{To: time.Second}, Drained: true,
		Publishes: []history.Publish{
			{ID: "kept", Path: history.AnyNode, At: 1, Done: 2, Outcome: history.Confirmed},
			{ID: "gone", Path: history.AnyNode, At: 3, Done: 4, Outcome: history.Confirmed},
		},
		Deliveries: []history.Delivery{{ID: "kept", Path: history.AnyNode, At: 5}},
	}
	if !lost {
		h.Publishes = h.Publishes[:1]
	}
	path := filepath.Join(t.TempDir(), "history.jsonl.gz")
	require.NoError(t, h.Save(path))
	return path
}

func TestJudgeJudgesSavedHistories(t *testing.T) {
	out, err := execute(t, "judge", saved(t, false), saved(t, false))
	require.NoError(t, err)
	assert.Contains(t, out, "PASSED")

	out, err = execute(t, "judge", saved(t, true))
	require.ErrorIs(t, err, errPromiseBroken)
	assert.Contains(t, out, "lost: gone")

	out, err = execute(t, "judge", "--json", saved(t, true))
	require.ErrorIs(t, err, errPromiseBroken)
	var verdicts []checker.Verdict
	require.NoError(t, json.Unmarshal([]byte(out), &verdicts))
	require.Len(t, verdicts, 1)
	assert.Equal(t, []string{"gone"}, verdicts[0].Lost.IDs)

	_, err = execute(t, "judge", "/does/not/exist")
	assert.ErrorContains(t, err, "load history")
}
