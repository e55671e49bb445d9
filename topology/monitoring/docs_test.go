package monitoring

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDocumentationListsEveryAlert(t *testing.T) {
	text, err := os.ReadFile("../../docs/monitoring.md")
	require.NoError(t, err)
	for _, r := range Rules(testStack(t)) {
		assert.Contains(t, string(text), fmt.Sprintf("| `%s` | %s |", r.Name, r.Severity))
	}
}
