package traffic

import (
	"context"
	"fmt"

	"warren/clients"
	"warren/verify/history"
)

// storedPrefetch makes short work of what has been stored.
const storedPrefetch = 500

// startConsumer starts a consumer that takes messages of a queue over a path until consuming ends.
func (t *Traffic) startConsumer(path Path, queue string) error {
	name := "consumer " + path.Name
	record := func(_ context.Context, d clients.Delivery) error {
		t.recorder.Delivered(name, path.Name, identify(d.Message), d.Redelivered)
		return nil
	}
	options := []clients.ConsumerOption{
		clients.WithConnectionName("warren verify " + name), clients.WithTLSConfig(t.config.TLS),
		clients.WithStateChange(t.clientState(name))}
	if path.Name == history.Stored {
		options = append(options, clients.WithPrefetch(storedPrefetch))
	}
	c, err := clients.NewConsumer(path.Endpoints, queue, record, options...)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	t.consumers.Go(func() {
		if err := c.Run(t.consuming); err != nil && t.consuming.Err() == nil {
			t.failed(fmt.Errorf("%s ended: %w", name, err))
		}
	})
	return nil
}

// clientState records the changes of a client's connection. That it is connecting is left out: it always is,
// unless it is something else.
func (t *Traffic) clientState(name string) func(clients.StateChange) {
	record := t.stateChange(name)
	return func(s clients.StateChange) {
		switch s.To {
		case clients.Connecting:
		case clients.Connected:
			record("connected to "+s.Endpoint, nil)
		default:
			record(s.To.String(), s.Err)
		}
	}
}

// stateChange records a new state of a client, and why it came about.
func (t *Traffic) stateChange(name string) func(state string, err error) {
	return func(state string, err error) {
		if err != nil {
			state += ": " + err.Error()
		}
		t.recorder.Event(history.Client, name, state)
	}
}
