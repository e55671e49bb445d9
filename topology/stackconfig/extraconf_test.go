package stackconfig

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"warren/topology/render"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Lines are checked against the cluster's own files, and every mistake in them is told.
func TestExtraLinesAreChecked(t *testing.T) {
	const lines = "heartbeat = 1\nmqtt.listeners.tcp.1 = 15692\nnonsense"
	for _, image := range []string{"rabbitmq:3.10", "rabbitmq:4.0", "rabbitmq:4.3"} {
		_, err := Parse("dev", raw{"image": image, "rabbitmqConf": lines})
		for _, says := range []string{
			"sets heartbeat on line 1", "takes the port of the metrics", `has the line 3 "nonsense"`,
		} {
			assert.ErrorContains(t, err, says, image)
		}
	}
}

// However lines are written, RabbitMQ finds no setting in accepted ones that Warren refuses, and can read
// them all.
func TestNoReservedKeyGetsPast(t *testing.T) {
	key := rapid.SampledFrom([]string{
		"heartbeat", "listeners.tcp.default", `listeners\.tcp.default`, "Heartbeat", "prometheus.path",
		"channel_max", "a.b-c_d", "load_definitions", "include", `x\.y`, "management.rates_mode",
	})
	piece := rapid.OneOf(
		rapid.SampledFrom([]string{
			" ", "\t", "\n", "\r\n", "\r", "=", " = ", "#", "'", "'''", "\\", ".", "1", "x y", "\n\n",
			"# c\n", "include ", "é", "\v",
		}),
		rapid.Map(key, func(k string) string { return k + " = " }),
		rapid.Map(key, func(k string) string { return k + " = 1\n" }),
		rapid.Map(key, func(k string) string { return k + " = 'x y' # z\n" }),
		key,
	)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(t, "pieces"), "")
		cluster, err := Parse("dev", map[string]string{"rabbitmqConf": text})
		if err != nil {
			return
		}
		conf := render.RabbitMQConf(cluster, cluster.Nodes[0])
		require.Contains(t, conf, strings.TrimSpace(text))
		for _, quotes := range []bool{false, true} { // since 4.0 RabbitMQ takes values between quotes
			keys, read := readByRabbitMQ(conf, quotes)
			require.True(t, read, "%q", conf)
			for i := range keys {
				keys[i] = strings.ToLower(keys[i])
			}
			for _, rendered := range []string{"heartbeat", "listeners.tcp.default", "definitions.local.path"} {
				first := slices.Index(keys, rendered)
				require.GreaterOrEqual(t, first, 0)
				require.NotContains(t, keys[first+1:], rendered)
			}
			require.NotContains(t, keys, "prometheus.path")
		}
	})
}

// readByRabbitMQ finds the keys in a rabbitmq.conf by the grammar of RabbitMQ's parser, one expression for
// each of its rules, tried in its order: a setting, an inclusion, a comment, blanks. It fails where the
// parser does.
func readByRabbitMQ(text string, quotes bool) (keys []string, read bool) {
	const (
		word   = `(?:\\\.|[A-Za-z0-9_-])+`
		end    = `[ \t]*(?:#[^\n]*?)?(?:\r?\n|$)`
		setkey = `^[ \t]*(` + word + `(?:\.` + word + `)*)[ \t]*=[ \t]*`
	)
	settings := []*regexp.Regexp{regexp.MustCompile(setkey + `(?:[^#\n]+?)` + end)}
	if quotes {
		settings = slices.Insert(settings, 0,
			regexp.MustCompile(`(?s)`+setkey+`'''(?:.*?)'''`+end),
			regexp.MustCompile(setkey+`'[^']*'`+end))
	}
	others := []*regexp.Regexp{
		regexp.MustCompile(`^[ \t]*include[ \t]+[A-Za-z0-9_.*/-]+` + end),
		regexp.MustCompile(`^[ \t]*#[^\n]*(?:\n|$)`),
		regexp.MustCompile(`^[ \t]*\r?(?:\n|$)`),
	}
next:
	for text != "" {
		for _, setting := range settings {
			if m := setting.FindStringSubmatch(text); m != nil {
				keys = append(keys, strings.ReplaceAll(m[1], `\.`, "."))
				text = text[len(m[0]):]
				continue next
			}
		}
		for _, other := range others {
			if m := other.FindString(text); m != "" {
				text = text[len(m):]
				continue next
			}
		}
		return keys, false
	}
	return keys, true
}
