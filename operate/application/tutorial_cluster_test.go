//go:build cluster

package application_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livestack"
	"warren/operate/application"
	"warren/operate/cluster"
)

// TestTutorialsSetupRuns declares the application of stack tutorial on its series. The tutorial's own script
// then finds all that it declares, and changes nothing.
func TestTutorialsSetupRuns(t *testing.T) {
	python := pythonWithRequests(t)
	stack := livestack.New(t, map[string]any{
		"warren:image": "warren/rabbitmq:3.10", "warren:application": "application/tutorial.yaml",
		"warren:nodeTypes": map[string]string{"rabbit2": "ram"},
	})
	c, err := cluster.Open(stack.MustUp())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	require.Equal(t, []string{"application/tutorial.yaml"}, c.Outputs().Application)
	file, err := os.ReadFile("../../application/tutorial.yaml")
	require.NoError(t, err)
	count, err := apply(t, c, string(file), application.Options{})
	require.NoError(t, err)
	assert.Equal(t, 3, count[application.Created])

	script := exec.CommandContext(t.Context(), python, "../../bench/lab/tutorial/setup_quorum_queues.py")
	script.Env = append(os.Environ(), "RABBITMQ_MANAGEMENT="+c.Outputs().ManagementURL,
		"RABBITMQ_USERNAME="+c.Outputs().Username, "RABBITMQ_PASSWORD="+c.Outputs().Password)
	said, err := script.CombinedOutput()
	require.NoError(t, err, "%s", said)
	t.Logf("%s", said)
	for _, line := range []string{
		"Quorum queue 'ha_queue' created successfully", "Exchange 'ha_exchange' created successfully",
		"Binding created successfully",
	} {
		assert.Contains(t, string(said), line)
	}
	assert.NotContains(t, string(said), "Failed")
	assert.Empty(t, plan(t, c, string(file)).Changes)
}

// pythonWithRequests finds an interpreter that has what the script imports.
func pythonWithRequests(t *testing.T) string {
	t.Helper()
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		path, err := exec.LookPath(candidate)
		if err == nil && exec.CommandContext(t.Context(), path, "-c", "import pika, requests").Run() == nil {
			return path
		}
	}
	t.Skip("a Python with pika and requests is missing: apt-get install python3-pika python3-requests")
	return ""
}
