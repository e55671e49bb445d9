//go:build cluster

package deploy

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livestack"
)

// TestUpAfterAKilledUp brings up a stack although the lock, pending operations and half-made containers of a
// Pulumi that was killed are in the way.
func TestUpAfterAKilledUp(t *testing.T) {
	s := livestack.New(t, nil)
	s.InterruptedUp(1, os.Kill)

	up := s.Command(t.Context(), os.Args[0], "--suppress-outputs")
	up.Env = append(up.Env, runUp+"="+s.Name)
	output, err := up.CombinedOutput()
	require.NoErrorf(t, err, "%s", output)
	assert.Contains(t, string(output), "The last run on stack "+s.Name+" (pid ")
	assert.Regexp(t, "left container warren-"+s.Name+`-\S+ half made: removing it`, string(output))

	out, err := s.Pulumi.Outputs(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "admin", out["username"].Value)
}
