package clients_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"

	"warren/clients"
)

// Publish a message and know what became of it.
func ExampleProducer_Publish() {
	producer, err := clients.NewProducer(
		[]string{"amqp://app:secret@rabbit1:5672/", "amqp://app:secret@rabbit2:5672/", "amqp://app:secret@rabbit3:5672/"},
		clients.WithLogger(slog.Default()),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer producer.Close(context.Background())

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err = producer.Publish(ctx, clients.Message{
		Exchange: "ha_exchange", RoutingKey: "ha_route", ContentType: "application/json", Body: []byte(`{"id": 1}`),
	})
	switch {
	case err == nil:
		fmt.Println("in the queue")
	case errors.Is(err, clients.ErrUnconfirmed):
		fmt.Println("in the queue, or not: publish it again, with the same id")
	case errors.Is(err, clients.ErrNacked):
		fmt.Println("not in the queue, which is full")
	case errors.Is(err, clients.ErrUnroutable):
		fmt.Println("not in a queue: none is bound")
	}
}

// Publish many messages at once and look at the outcomes later.
func ExampleProducer_PublishAsync() {
	producer, err := clients.NewProducer([]string{"amqp://app:secret@haproxy:5672/"}, clients.WithWindow(1000))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	var confirmations []*clients.Confirmation
	for i := range 10_000 {
		c, err := producer.PublishAsync(ctx, clients.Message{RoutingKey: "orders", Body: fmt.Append(nil, i)})
		if err != nil {
			fmt.Println(err)
			break
		}
		confirmations = append(confirmations, c)
	}
	for _, c := range confirmations {
		if err := c.Wait(ctx); err != nil {
			fmt.Println(c.MessageID(), err)
		}
	}
	if err := producer.Close(ctx); err != nil {
		fmt.Println(err)
	}
}

// Stay on the node that leads a queue, which any management API client can tell.
func ExampleWithAffinity() {
	api, err := rabbithole.NewClient("http://rabbit1:15672", "app", "secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	api.SetTimeout(5 * time.Second)
	leader := func(context.Context) (string, error) {
		queue, err := api.GetQueue("/", "orders")
		if err != nil {
			return "", err
		}
		return queue.Leader, nil
	}
	producer, err := clients.NewProducer([]string{"amqp://app:secret@haproxy:5672/"}, clients.WithAffinity(leader))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer producer.Close(context.Background())
}

// Consume a queue until the context ends.
func ExampleConsumer_Run() {
	handle := func(ctx context.Context, d clients.Delivery) error {
		if len(d.Body) == 0 {
			return fmt.Errorf("empty order: %w", clients.ErrDeadLetter) // to the dead-letter exchange
		}
		fmt.Println(d.ID, string(d.Body))
		return nil // acknowledged
	}
	consumer, err := clients.NewConsumer([]string{"amqp://app:secret@haproxy:5672/"}, "orders", handle,
		clients.WithConcurrency(4), clients.WithDeduplication(10_000))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := consumer.Run(ctx); err != nil {
		fmt.Println(err)
	}
}
