package traffic

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"warren/clients"
	"warren/topology"
	"warren/verify/history"
)

func TestPathsAreTheBalancerAnyNodeAndEachNode(t *testing.T) {
	paths := Paths(topology.Outputs{
		AMQPURL:  "amqp://lb",
		AMQPURLs: []string{"amqp://1", "amqp://2"},
		Nodes:    []topology.NodeOutput{{Name: "rabbit1"}, {Name: "rabbit2"}},
	})
	assert.Equal(t, []Path{
		{Name: history.LoadBalancer, Endpoints: []string{"amqp://lb"}},
		{Name: history.AnyNode, Endpoints: []string{"amqp://1", "amqp://2"}},
		{Name: "rabbit1", Endpoints: []string{"amqp://1"}},
		{Name: "rabbit2", Endpoints: []string{"amqp://2"}},
	}, paths)
}

func TestMessageCarriesItsID(t *testing.T) {
	m := newMessage("q", "any-node/000001", 64)
	assert.Len(t, m.Body, 64)
	assert.Equal(t, "q", m.RoutingKey)
	assert.Equal(t, "any-node/000001", identify(m))
	assert.Equal(t, "any-node/000001", identify(newMessage("q", "any-node/000001", 0)),
		"a size below that of the id")
}

func TestMessageWithAnotherBodyIsNotItself(t *testing.T) {
	m := newMessage("q", "a", 64)
	m.Body[63] = '!'
	assert.Equal(t, "a with a body of another message (64 bytes)", identify(m))

	swapped := newMessage("q", "a", 64)
	swapped.Body = newMessage("q", "b", 64).Body
	assert.NotEqual(t, "a", identify(swapped))
}

func TestOutcomeOfAPublish(t *testing.T) {
	for _, c := range []struct {
		err  error
		want history.Outcome
	}{
		{nil, history.Confirmed},
		{fmt.Errorf("publish: %w", clients.ErrNacked), history.Nacked},
		{clients.ErrUnroutable, history.Returned},
		{clients.ErrUnconfirmed, history.Unknown},
		// some earlier attempt may have arrived
		{errors.Join(clients.ErrNacked, clients.ErrUnconfirmed), history.Unknown},
		{clients.ErrClosed, history.Unknown},
		{&clients.PublishError{Attempts: 2, Err: clients.ErrUnconfirmed, Unknown: true}, history.Unknown},
		{fmt.Errorf("publish: %w", &clients.PublishError{Err: clients.ErrUnconfirmed}), history.Unsent},
	} {
		assert.Equal(t, c.want, outcome(c.err), "%v", c.err)
	}
}

func TestTrafficDescribesItself(t *testing.T) {
	c := Config{Paths: make([]Path, 5), Rate: 100}
	assert.Equal(t, "5 producers and 5 consumers, one of each per path, every producer publishing 100 "+
		"messages a second", c.String())
	c.Unconfirmed = true
	assert.Contains(t, c.String(), "without asking for confirms")
}
