package clients_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"

	"warren/clients"
)

// Publish a message and know what became of it.
func ExampleProducer_Publish() {
	producer, err := clients.NewProducer(
		[]string{"amqp://app:secret@rabbit1:5672/", "amqp://app:secret@rabbit2:5672/",
			"amqp://app:secret@rabbit3:5672/"},
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

// Share one connection, and declare what is needed.
func ExampleClient() {
	client, err := clients.NewClient([]string{"amqp://app:secret@rabbit1:5672/",
		"amqp://app:secret@rabbit2:5672/"})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	defer client.Close(ctx)
	if _, err := client.DeclareQueue(ctx, clients.Queue{Name: "orders"}); err != nil { // a quorum queue
		fmt.Println(err)
		return
	}
	producer, err := client.NewProducer()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer producer.Close(ctx)
	if err := producer.Publish(ctx, clients.Message{RoutingKey: "orders", Body: []byte("one")}); err != nil {
		fmt.Println(err)
	}
}

// Ask, and wait for the reply.
func ExampleRequester_Request() {
	client, err := clients.NewClient([]string{"amqp://app:secret@haproxy:5672/"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close(context.Background())
	requester := client.NewRequester()
	defer requester.Close(context.Background())
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	reply, err := requester.Request(ctx, clients.Message{RoutingKey: "prices", Body: []byte("apples")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(reply.Body))
}

// Answer requests.
func ExampleRespond() {
	client, err := clients.NewClient([]string{"amqp://app:secret@haproxy:5672/"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close(context.Background())
	producer, err := client.NewProducer()
	if err != nil {
		fmt.Println(err)
		return
	}
	price := func(_ context.Context, request clients.Delivery) (clients.Message, error) {
		return clients.Message{Body: fmt.Appendf(nil, "%s cost 3", request.Body)}, nil
	}
	consumer, err := client.NewConsumer("prices", clients.Respond(producer, price))
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

// Count outcomes and pass a trace context on, without a dependency of this package on what does it.
func ExampleWithPublishHook() {
	outcomes := map[bool]int{}
	hook := func(ctx context.Context, m *clients.Message) func(error) {
		headers := maps.Clone(m.Headers)
		if headers == nil {
			headers = make(map[string]any)
		}
		headers["traceparent"] = traceparent(ctx)
		m.Headers = headers
		return func(err error) { outcomes[err == nil]++ }
	}
	producer, err := clients.NewProducer([]string{"amqp://app:secret@haproxy:5672/"},
		clients.WithPublishHook(hook))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer producer.Close(context.Background())
}

// traceparent stands for what OpenTelemetry has of a context.
func traceparent(context.Context) string {
	return "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
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
	producer, err := clients.NewProducer([]string{"amqp://app:secret@haproxy:5672/"},
		clients.WithAffinity(leader))
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
