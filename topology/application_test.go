package topology

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheDefaultApplicationHoldsTogether(t *testing.T) {
	app := DefaultApplication()
	exchanges, queues := map[string]Exchange{}, map[string]Queue{}
	for _, e := range app.Exchanges {
		exchanges[e.Name] = e
	}
	for _, q := range app.Queues {
		queues[q.Name] = q
		assert.Equal(t, "quorum", q.Arguments["x-queue-type"], "%s must survive the loss of a node", q.Name)
		if dlx, ok := q.Arguments["x-dead-letter-exchange"]; ok {
			assert.Contains(t, exchanges, dlx)
		}
		if q.Arguments["x-dead-letter-strategy"] == "at-least-once" {
			assert.Equal(t, "reject-publish", q.Arguments["x-overflow"],
				"RabbitMQ falls back to at-most-once otherwise")
		}
	}
	for _, b := range app.Bindings {
		assert.Contains(t, exchanges, b.Source)
		assert.Contains(t, queues, b.Destination)
	}
}

func TestTheDefaultApplicationHasTheTutorials(t *testing.T) {
	app := DefaultApplication()
	assert.Contains(t, app.Exchanges, Exchange{Name: "ha_exchange", Type: "direct"})
	binding := Binding{Source: "ha_exchange", Destination: "ha_queue", RoutingKey: "ha_route"}
	assert.Contains(t, app.Bindings, binding)
	args := app.Queues[0].Arguments
	assert.Equal(t, "ha_queue", app.Queues[0].Name)
	assert.Equal(t, int64(3), args["x-quorum-initial-group-size"])
	assert.Equal(t, int64(10_000), args["x-max-length"])
	assert.Equal(t, "reject-publish", args["x-overflow"])
}
