package rabbit

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// RabbitMQ 4.3 wraps what eval returns, and older series do not.
func TestValueOfEvalInEitherForm(t *testing.T) {
	for _, output := range []string{`[1,2]`, `{"node":"rabbit@a","result":"ok","value":[1,2]}`} {
		var list []int
		require.NoError(t, unmarshalValue(output, &list), output)
		assert.Equal(t, []int{1, 2}, list)
	}
	var list []int
	assert.Error(t, unmarshalValue("no JSON", &list))
}
