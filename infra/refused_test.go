//go:build cluster

package main

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livestack"
)

// outputsOf are all outputs of a stack, as text.
func outputsOf(t *testing.T, s *livestack.Stack) string {
	t.Helper()
	outputs, err := s.Pulumi.Outputs(t.Context())
	require.NoError(t, err)
	text, err := json.Marshal(outputs)
	require.NoError(t, err)
	return string(text)
}

// containersOf are the ids of a stack's containers with their states.
func containersOf(t *testing.T, s *livestack.Stack) string {
	t.Helper()
	format := "{{.ID}} {{.Names}} {{.State}}"
	text, err := exec.CommandContext(t.Context(), "docker", "ps", "--all", "--no-trunc", "--format", format,
		"--filter", "label=warren.stack="+s.Cluster).Output()
	require.NoError(t, err)
	return string(text)
}

// TestRefusedDeploymentsChangeNothing: the outputs included, of which everything else learns where things are
// (D4), and the cookie, which does not follow the passphrase (D7). A second clone takes nothing over and
// deletes nothing (D16).
func TestRefusedDeploymentsChangeNothing(t *testing.T) {
	s := livestack.New(t, nil)
	out := s.MustUp()
	require.NotEmpty(t, out.Owner)
	outputs, containers := outputsOf(t, s), containersOf(t, s)
	unchanged := func(what string) {
		t.Helper()
		assert.Equal(t, outputs, outputsOf(t, s), what)
		assert.Equal(t, containers, containersOf(t, s), what)
	}

	t.Log("an image that is not there, with another username")
	s.Configure(map[string]any{"warren:image": "warren/rabbitmq:4.9", "warren:username": "other"})
	_, err := s.Up(t.Context())
	require.ErrorContains(t, err, "the image warren/rabbitmq:4.9 is not there")
	unchanged("a refused image")
	s.Configure(map[string]any{"warren:image": nil, "warren:username": nil})

	t.Log("another Erlang cookie")
	cookie := auto.ConfigValue{Value: "ANOTHERCOOKIE", Secret: true}
	require.NoError(t, s.Pulumi.SetConfig(t.Context(), "warren:erlangCookie", cookie))
	_, err = s.Up(t.Context())
	require.ErrorContains(t, err, "Erlang cookie")
	unchanged("a refused cookie")
	require.NoError(t, s.Pulumi.RemoveConfig(t.Context(), "warren:erlangCookie"))

	t.Log("a second clone, with a state of its own")
	clone := livestack.Clone(t, s)
	_, err = clone.Up(t.Context())
	require.ErrorContains(t, err, "another state of this stack")
	unchanged("a second clone")
	clone.Destroy()
	unchanged("a second clone that is destroyed")

	t.Log("another passphrase changes nothing")
	s.ChangePassphrase("another passphrase")
	result, err := s.Up(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"same"}, names(*result.Summary.ResourceChanges))
	unchanged("another passphrase")

	t.Log("another name")
	s.Rename(s.Name + "-renamed")
	_, err = s.Up(t.Context())
	require.ErrorContains(t, err, "was deployed under the name "+s.Cluster)
	s.Rename(s.Cluster)
	unchanged("another name")
	s.Destroy()
}

// TestALookAtAStoppedNodeChangesNothing: preview says what up would do, and does nothing (D13).
func TestALookAtAStoppedNodeChangesNothing(t *testing.T) {
	s := livestack.New(t, nil)
	out := s.MustUp()
	rabbit2 := out.Nodes[1].Container
	require.NoError(t, s.Docker.ContainerStop(t.Context(), rabbit2, container.StopOptions{}))
	before := containersOf(t, s)
	preview, err := s.Pulumi.Preview(t.Context(), optpreview.SuppressProgress())
	require.NoError(t, err)
	assert.Equal(t, before, containersOf(t, s))
	assert.Contains(t, preview.StdOut, "replace")
	assert.Regexp(t, `docker:index:Container\s+rabbit2\s+(\S+\s+)?replace`,
		strings.ReplaceAll(preview.StdOut, "  ", " "))
	t.Log(preview.StdOut)
	s.MustUp()
	requireRunning(t, out)
	result, err := s.Up(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"same"}, names(*result.Summary.ResourceChanges))
	s.Destroy()
}
