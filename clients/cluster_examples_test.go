//go:build cluster

package clients

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The example programs, built as a module of their own, do what they say.
func TestExamples(t *testing.T) {
	outputs := readOutputs(t)
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "-C", filepath.Join("..", "examples", "clients"), "build",
		"-o", bin, "./...")
	output, err := build.CombinedOutput()
	require.NoError(t, err, string(output))
	c := clusterClient(t, outputs.AMQPURLs)
	queue := t.Name() + time.Now().Format("150405.000000")
	prices := queue + "-prices"
	defer func() {
		require.NoError(t, c.DeleteQueue(testContext(t, patience), queue))
		require.NoError(t, c.DeleteQueue(testContext(t, patience), prices))
	}()
	run := func(program string, args ...string) string {
		command := exec.CommandContext(testContext(t, patience), filepath.Join(bin, program), args...)
		command.Env = append(os.Environ(), "AMQP_URLS="+strings.Join(outputs.AMQPURLs, ","))
		var stderr strings.Builder
		command.Stderr = &stderr
		output, err := command.Output()
		require.NoError(t, err, "%s%s", output, stderr.String())
		return string(output)
	}
	require.Equal(t, "500 of 500 orders are in the queue\n", run("publish", "-queue", queue, "-count", "500"))
	require.Regexp(t, `^handled 5\d\d orders\n$`, run("workqueue", "-queue", queue, "-most", "500"))
	require.Contains(t, run("request", "-queue", prices, "-count", "5"), "article 4 costs 90\n")
	info, err := c.InspectQueue(testContext(t, patience), queue)
	require.NoError(t, err)
	require.Zero(t, info.Messages)
}
