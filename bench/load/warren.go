package load

import (
	"context"

	"warren/clients"
)

// Warren is the client of package clients.
type Warren struct{}

// Produce implements Client.
func (Warren) Produce(ctx context.Context, endpoint, queue string, l Load, m *Meter) error {
	p, err := clients.NewProducer([]string{endpoint}, clients.WithWindow(l.Window),
		clients.WithConnectionName(connectionName(queue)),
		clients.WithAffinity(l.locate))
	if err != nil {
		return err
	}
	confirmations := make(chan *clients.Confirmation, l.Window)
	confirmed := make(chan struct{})
	go func() {
		defer close(confirmed)
		for c := range confirmations {
			<-c.Done()
			if c.Err() == nil {
				m.confirm(c.Latency())
			}
		}
	}()
	message := clients.Message{RoutingKey: queue, Body: l.body()}
	for ctx.Err() == nil {
		var c *clients.Confirmation
		if c, err = p.PublishAsync(ctx, message); err != nil {
			break
		}
		confirmations <- c
	}
	close(confirmations)
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), End)
	defer cancel()
	closed := p.Close(end)
	<-confirmed
	if ctx.Err() != nil {
		return nil // what the end found on its way does not matter
	}
	if err != nil {
		return err
	}
	return closed
}

// Consume implements Client.
func (Warren) Consume(ctx context.Context, endpoint, queue string, l Load, m *Meter) error {
	handle := func(context.Context, clients.Delivery) error {
		m.deliver()
		return nil
	}
	c, err := clients.NewConsumer([]string{endpoint}, queue, handle,
		clients.WithPrefetch(l.Window), clients.WithConnectionName(connectionName(queue)))
	if err != nil {
		return err
	}
	if err := c.Run(ctx); ctx.Err() == nil {
		return err
	}
	return nil
}
