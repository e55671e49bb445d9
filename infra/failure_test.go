package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/docker/docker/pkg/stdcopy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
)

func TestFailureNamesTheNodeAndShowsItsLog(t *testing.T) {
	cluster, err := topology.New(testStack, topology.Config{})
	require.NoError(t, err)
	docker := &fakeEngine{logs: map[string]io.Reader{
		"warren-test-rabbit2": dockerLog(t, "bad_key is not a setting\nstopped\n"),
	}}

	message := failureOf(t.Context(), docker, cluster, cluster.Nodes[1])
	assert.Contains(t, message, "rabbit2 did not become a running member")
	assert.Contains(t, message, "    bad_key is not a setting\n    stopped\n")
	assert.Contains(t, message, "run `pulumi up` again")
	assert.Contains(t, message, "The container warren-test-rabbit2-join is gone", "a join that ended is removed with its log")
}

func TestFailureWithoutALog(t *testing.T) {
	cluster, err := topology.New(testStack, topology.Config{})
	require.NoError(t, err)
	broken := io.MultiReader(strings.NewReader("\x01"), errReader{})
	message := failureOf(t.Context(), &fakeEngine{logs: map[string]io.Reader{
		"warren-test-rabbit1": dockerLog(t, ""), "warren-test-rabbit1-join": broken,
	}}, cluster, cluster.Nodes[0])
	assert.Contains(t, message, "The log of warren-test-rabbit1 is empty")
	assert.Contains(t, message, "The log of warren-test-rabbit1-join can't be read")
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

// dockerLog is text as the engine sends the log of a container without a terminal.
func dockerLog(t *testing.T, text string) io.Reader {
	t.Helper()
	var framed bytes.Buffer
	_, err := stdcopy.NewStdWriter(&framed, stdcopy.Stdout).Write([]byte(text))
	require.NoError(t, err)
	return &framed
}
