package survey

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHalfAStateIsReadAgain(t *testing.T) {
	reads := 0
	require.NoError(t, whileHalfWritten(t.Context(), func() error {
		if reads++; reads < 3 {
			return errors.New("rpc error: failed to load checkpoint: EOF")
		}
		return nil
	}))
	assert.Equal(t, 3, reads)

	reads = 0
	other := errors.New("no such stack")
	require.ErrorIs(t, whileHalfWritten(t.Context(), func() error { reads++; return other }), other)
	assert.Equal(t, 1, reads, "what another read would not change is told at once")

	ended, end := context.WithCancel(t.Context())
	end()
	half := func() error { return errors.New("failed to load checkpoint: EOF") }
	require.Error(t, whileHalfWritten(ended, half), "what was not read is not taken for nothing")
}
