// Command publish publishes orders, and says of each whether it is in the queue.
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
	queue := flag.String("queue", "orders", "the queue to publish to; it is declared")
	count := flag.Int("count", 1000, "how many orders to publish")
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
	client, err := clients.NewClient(endpoints, clients.WithConnectionName("shop publish"))
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	if _, err := client.DeclareQueue(ctx, clients.Queue{Name: queue}); err != nil {
		return err
	}
	producer, err := client.NewProducer()
	if err != nil {
		return err
	}
	confirmed, err := publish(ctx, producer, queue, count)
	fmt.Printf("%d of %d orders are in the queue\n", confirmed, count)
	return errors.Join(err, producer.Close(context.WithoutCancel(ctx)))
}

// publish publishes orders without waiting for one confirm before the next, and returns how many were
// confirmed.
func publish(
	ctx context.Context, producer *clients.Producer, queue string, count int,
) (confirmed int, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // how long one order may be tried
	defer cancel()
	var confirmations []*clients.Confirmation
	for i := range count {
		c, publishErr := producer.PublishAsync(ctx, clients.Message{
			RoutingKey:  queue,
			ContentType: "application/json",
			Type:        "order",
			Body:        fmt.Appendf(nil, `{"order": %d}`, i),
		})
		if publishErr != nil {
			err = publishErr
			break
		}
		confirmations = append(confirmations, c)
	}
	for _, c := range confirmations {
		switch waitErr := c.Wait(ctx); {
		case waitErr == nil:
			confirmed++
		case errors.Is(waitErr, clients.ErrUnconfirmed):
			fmt.Println(c.MessageID(), "may be in the queue or not: publish it again with the same id")
		default:
			fmt.Println(c.MessageID(), "is not in the queue:", waitErr)
		}
	}
	return confirmed, err
}
