// Command request asks a price service for prices, which runs in the same program here.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"

	"warren/clients"

	"example.com/shop-clients/internal/cluster"
)

func main() {
	queue := flag.String("queue", "prices", "the queue of the price service; it is declared")
	count := flag.Int("count", 10, "how many prices to ask for")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *queue, *count); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, queue string, count int) error {
	endpoints, err := cluster.Endpoints()
	if err != nil {
		return err
	}
	client, err := clients.NewClient(endpoints, clients.WithConnectionName("shop prices"))
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	// Requests are not worth a quorum queue: who asks asks again.
	_, err = client.DeclareQueue(ctx, clients.Queue{Name: queue, Type: clients.Classic})
	if err != nil {
		return err
	}
	serving, stop := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- serve(serving, client, queue) }()
	err = ask(ctx, client, queue, count)
	stop()
	return errors.Join(err, <-served)
}

// serve answers requests until ctx ends.
func serve(ctx context.Context, client *clients.Client, queue string) error {
	producer, err := client.NewProducer()
	if err != nil {
		return err
	}
	defer producer.Close(context.WithoutCancel(ctx))
	price := func(_ context.Context, request clients.Delivery) (clients.Message, error) {
		return clients.Message{Body: fmt.Appendf(nil, "%s costs %d", request.Body, 10*len(request.Body))}, nil
	}
	consumer, err := client.NewConsumer(queue, clients.Respond(producer, price), clients.WithConcurrency(4))
	if err != nil {
		return err
	}
	return consumer.Run(ctx)
}

// ask sends requests and prints the replies.
func ask(ctx context.Context, client *clients.Client, queue string, count int) error {
	requester := client.NewRequester()
	defer requester.Close(context.WithoutCancel(ctx))
	for i := range count {
		deadline, cancel := context.WithTimeout(ctx, 10*time.Second)
		reply, err := requester.Request(deadline,
			clients.Message{RoutingKey: queue, Body: fmt.Append(nil, "article ", i)})
		cancel()
		if err != nil {
			return err
		}
		fmt.Println(string(reply.Body))
	}
	return nil
}
