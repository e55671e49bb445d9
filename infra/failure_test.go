package main

import (
	"bytes"
	"errors"
	"fmt"
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

	message := failureOf(t.Context(), docker, "rabbit2 did not become a running member", cluster.ContainerName(cluster.Nodes[1]), cluster.MembershipContainerName(cluster.Nodes[1]))
	assert.Contains(t, message, "rabbit2 did not become a running member")
	assert.Contains(t, message, "    bad_key is not a setting\n    stopped\n")
	assert.Contains(t, message, "run `pulumi up` again")
	assert.Contains(t, message, "The container warren-test-rabbit2-join is gone", "a join that ended is removed with its log")
}

func TestTellingLinesOfALog(t *testing.T) {
	var log strings.Builder
	log.WriteString("2026-11-23 03:57:59 [info] <0.1.0> starting\n")
	log.WriteString("2026-11-23 03:58:00 [error] <0.1.0> You've tried to set bad_key\n")
	log.WriteString("2026-11-23 03:58:00 [error] <0.1.0> \n\n")
	for i := range 100 {
		fmt.Fprintf(&log, "2026-11-23 03:58:01 [error] <0.1.0> consequence %d %s\n", i, strings.Repeat("x", 1000))
	}
	log.WriteString("stopped\n")

	lines := telling(log.String())
	assert.Equal(t, "2026-11-23 03:58:00 [error] <0.1.0> You've tried to set bad_key", lines[0])
	assert.Contains(t, lines[1], "consequence 0 ")
	assert.Equal(t, "stopped", lines[len(lines)-1])
	assert.Len(t, lines, errorLines+1+endLines)
	for _, line := range lines {
		assert.LessOrEqual(t, len([]rune(line)), lineLength+1)
	}
	assert.Equal(t, []string{"only this"}, telling("only this\n"))
}

func TestFailureWithoutALog(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("\x01"), errReader{})
	message := failureOf(t.Context(), &fakeEngine{logs: map[string]io.Reader{
		"warren-test-rabbit1": dockerLog(t, ""), "warren-test-rabbit1-join": broken,
	}}, "", "warren-test-rabbit1", "warren-test-rabbit1-join")
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
