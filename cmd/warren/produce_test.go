package main

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTutorialMessage(t *testing.T) {
	for _, size := range []int{0, 10, 150, 1024, 100_000} {
		body := tutorialMessage(7, size)
		var message map[string]any
		require.NoError(t, json.Unmarshal(body, &message))
		require.EqualValues(t, 7, message["id"])
		require.Equal(t, "Cluster message #7", message["text"])
		require.Contains(t, message, "timestamp")
		require.Contains(t, message, "priority")
		if size >= 150 {
			require.Len(t, body, size)
		}
	}
}

func TestPace(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p := newPace(1000)
	start := time.Now()
	for range 100 {
		require.NoError(t, p.wait(ctx))
	}
	require.GreaterOrEqual(t, time.Since(start), 95*time.Millisecond)

	p.due = time.Now().Add(-time.Minute) // after an outage
	start = time.Now()
	for range 50 {
		require.NoError(t, p.wait(ctx))
	}
	require.GreaterOrEqual(t, time.Since(start), 45*time.Millisecond, "it must not hurry to catch up")
	cancel()
	require.ErrorIs(t, p.wait(ctx), context.Canceled)
	require.ErrorIs(t, newPace(0).wait(ctx), context.Canceled)
}

func TestEndpointFlags(t *testing.T) {
	outputs := t.TempDir() + "/none.json"
	opts := &options{outputs: outputs}
	urls, from, err := (&endpoints{urls: []string{"amqp://a", "amqp://b"}}).resolve(context.Background(), opts)
	require.NoError(t, err)
	require.Equal(t, []string{"amqp://a", "amqp://b"}, urls)
	require.Nil(t, from, "no stack was asked")
	_, _, err = (&endpoints{urls: []string{"amqp://a"}, direct: true}).resolve(context.Background(), opts)
	require.ErrorContains(t, err, "exclude each other")
	_, _, err = (&endpoints{}).resolve(context.Background(), opts)
	require.Error(t, errors.Unwrap(err))
}

func TestProduceKnowsItsQueue(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "ha_queue"},
		{[]string{"--queue", "orders"}, "orders"},
		{[]string{"--exchange", "events"}, ""},
		{[]string{"--routing-key", "elsewhere"}, ""},
		{[]string{"--exchange", "", "--routing-key", "orders"}, "orders"},
	} {
		p := &production{options: &options{}}
		require.NoError(t, p.command().ParseFlags(test.args))
		_, err := p.validate()
		require.NoError(t, err)
		require.Equal(t, test.want, p.soleQueue(), test.args)
	}
}
