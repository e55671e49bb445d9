package stackconfig

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMistakesInAdvancedConfig(t *testing.T) {
	for name, test := range map[string]struct{ application, terms, says string }{
		"application":   {"Rabbit MQ", "{a, 1}", "names the application"},
		"open":          {"rabbit", "{a, [1, 2}", "has a '}' too much"},
		"never closed":  {"rabbit", "{a, [1, 2]", "lacks a '}'"},
		"closed twice":  {"rabbit", "{a, 1}}", "has a '}' too much"},
		"a whole file":  {"rabbit", "[{rabbit, []}].", "ends with a dot"},
		"a list":        {"rabbit", "[{a, 1}]", "does not begin with {"},
		"no term":       {"rabbit", "a, {b, 1}", "does not begin with {"},
		"a comma after": {"rabbit", "{a, 1},", "does not end with }"},
		"text":          {"rabbit", `{a, "open}`, "not closed"},
		"nothing":       {"rabbit", " ", "does not begin with {"},
		"Warren's own":  {"kernel", "{logger_level, info}, { net_ticktime, 60}", "sets net_ticktime"},
		"listeners":     {"rabbit", "{tcp_listeners, []}", "sets tcp_listeners"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New("test", Config{AdvancedConfig: map[string]string{test.application: test.terms}})
			var invalid *ValidationError
			require.ErrorAs(t, err, &invalid)
			require.Len(t, invalid.Problems, 1)
			assert.Contains(t, invalid.Problems[0].String(), test.says)
		})
	}
}

func TestAdvancedConfig(t *testing.T) {
	for name, terms := range map[string]string{
		"several": `{channel_operation_timeout, 20000}, {vm_memory_calculation_strategy, rss}`,
		"text": `{servers, ["ldap.example.com"]}, {note, "tcp_listeners: {"} % {tcp_listeners, []}` +
			"\n, {a, 'x}'}",
		"elsewhere": `{backends, [{net_ticktime, 1}]}`,
	} {
		_, err := New("test", Config{AdvancedConfig: map[string]string{"rabbit": terms}})
		assert.NoError(t, err, name)
	}
}
