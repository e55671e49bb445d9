package logs

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/cluster"
	"warren/topology"
	"warren/topology/stackconfig"
)

// source are the lines of a container as the engine gives them.
func source(ctx context.Context, container string, text ...string) <-chan Line {
	return lines(ctx, container, strings.NewReader(strings.Join(text, "\n")))
}

func TestLinesAreInTheOrderOfTime(t *testing.T) {
	sources := []<-chan Line{
		source(t.Context(), "rabbit1", "2026-01-02T00:00:01.5Z one", "2026-01-02T00:00:03Z three\r",
			"no time at all"),
		source(t.Context(), "haproxy", "2026-01-02T00:00:02.000000001Z two", "2026-01-02T00:00:04Z "),
		source(t.Context(), "rabbit2"),
	}
	var read []string
	require.NoError(t, merge(sources, func(line Line) error {
		read = append(read, line.Container+" "+line.Text)
		return nil
	}))
	assert.Equal(t, []string{"rabbit1 one", "haproxy two", "rabbit1 three", "haproxy "}, read)
}

func TestAnErrorEndsTheMerge(t *testing.T) {
	full := errors.New("the disk is full")
	sources := []<-chan Line{source(t.Context(), "rabbit1", "2026-01-02T00:00:01Z a", "2026-01-02T00:00:02Z b")}
	assert.ErrorIs(t, merge(sources, func(Line) error { return full }), full)
}

func TestContainersOfAStack(t *testing.T) {
	cluster3, err := stackconfig.New("test", stackconfig.Config{
		Monitoring: stackconfig.MonitoringConfig{Enabled: true},
	})
	require.NoError(t, err)
	outputs := cluster3.Outputs(topology.Secrets{})
	all, err := Containers(outputs, "")
	require.NoError(t, err)
	assert.Len(t, all, 3+3+1+2+2)

	one, err := Containers(outputs, "rabbit2")
	require.NoError(t, err)
	assert.Equal(t, []string{"warren-test-rabbit2", "warren-test-rabbit2-join"}, one)

	_, err = Containers(outputs, "rabbit9")
	assert.ErrorIs(t, err, cluster.ErrUnknownNode)
}
