package explain

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine/enginetest"
	"warren/topology/stackconfig"
)

func TestFailureNamesTheNodeAndShowsItsLog(t *testing.T) {
	cluster, err := stackconfig.New(enginetest.Stack, stackconfig.Config{})
	require.NoError(t, err)
	docker := &enginetest.Fake{Logs: map[string]io.Reader{
		"warren-test-rabbit2": enginetest.Log("bad_key is not a setting\nstopped\n"),
	}}

	message := failure(t.Context(), docker, "rabbit2 did not become a running member",
		cluster.ContainerName(cluster.Nodes[1]), cluster.MembershipContainerName(cluster.Nodes[1]))
	assert.Contains(t, message, "rabbit2 did not become a running member")
	assert.Contains(t, message, "    bad_key is not a setting\n    stopped\n")
	assert.Contains(t, message, "run `pulumi up` again")
	assert.Contains(t, message, "The container warren-test-rabbit2-join is gone",
		"a membership that ended is removed with its log")
}

func TestRelevantLinesOfALog(t *testing.T) {
	var log strings.Builder
	log.WriteString("2026-11-23 03:57:59 [info] <0.1.0> starting\n")
	log.WriteString("2026-11-23 03:58:00 [error] <0.1.0> You've tried to set bad_key\n")
	log.WriteString("2026-11-23 03:58:00 [error] <0.1.0> \n\n")
	for i := range 100 {
		fmt.Fprintf(&log, "2026-11-23 03:58:01 [error] <0.1.0> consequence %d %s\n", i, strings.Repeat("x", 1000))
	}
	log.WriteString("stopped\n")

	lines := relevantLines(log.String())
	assert.Equal(t, "2026-11-23 03:58:00 [error] <0.1.0> You've tried to set bad_key", lines[0])
	assert.Contains(t, lines[1], "consequence 0 ")
	assert.Equal(t, "stopped", lines[len(lines)-1])
	assert.Len(t, lines, errorLines+1+endLines)
	for _, line := range lines {
		assert.LessOrEqual(t, len([]rune(line)), lineLength+1)
	}
	assert.Equal(t, []string{"only this"}, relevantLines("only this\n"))
}

func TestFailureWithoutALog(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("\x01"), errReader{})
	message := failure(t.Context(), &enginetest.Fake{Logs: map[string]io.Reader{
		"warren-test-rabbit1": enginetest.Log(""), "warren-test-rabbit1-join": broken,
	}}, "", "warren-test-rabbit1", "warren-test-rabbit1-join")
	assert.Contains(t, message, "The log of warren-test-rabbit1 is empty")
	assert.Contains(t, message, "The log of warren-test-rabbit1-join can't be read")
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("connection reset") }
