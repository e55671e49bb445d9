package suggest

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDidYouMean(t *testing.T) {
	words := []string{"leader-killed", "leader-paused", "pair-cut"}
	for written, want := range map[string]string{
		"leader-kiled": `; did you mean "leader-killed"?`,
		"pair":         `; did you mean "pair-cut"?`,
		"PAIR-CUT":     `; did you mean "pair-cut"?`,
		"xx":           "",
		"":             "",
	} {
		assert.Equal(t, want, DidYouMean(written, words), written)
	}
	assert.Empty(t, DidYouMean("x", []string{}))
}
