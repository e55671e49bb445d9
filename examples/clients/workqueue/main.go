// Command workqueue handles orders, four at a time. When it is interrupted it takes no more, finishes what it
// has begun, and gives back the rest.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"warren/clients"

	"example.com/shop-clients/internal/cluster"
)

func main() {
	queue := flag.String("queue", "orders", "the queue to work on; it is declared")
	most := flag.Int64("most", 0, "stop after so many orders; 0 for never")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, stop, *queue, *most); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, stop context.CancelFunc, queue string, most int64) error {
	endpoints, err := cluster.Endpoints()
	if err != nil {
		return err
	}
	client, err := clients.NewClient(endpoints, clients.WithConnectionName("shop work queue"),
		clients.WithLogger(slog.Default()))
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(ctx))
	if _, err := client.DeclareQueue(ctx, clients.Queue{Name: queue}); err != nil {
		return err
	}
	var handled atomic.Int64
	consumer, err := client.NewConsumer(queue, func(ctx context.Context, d clients.Delivery) error {
		if err := handle(ctx, d); err != nil {
			return err
		}
		if handled.Add(1) == most {
			stop()
		}
		return nil
	}, clients.WithConcurrency(4), clients.WithDeduplication(10_000),
		clients.WithShutdownTimeout(20*time.Second))
	if err != nil {
		return err
	}
	err = consumer.Run(ctx) // nil when all that was handled is acknowledged
	fmt.Printf("handled %d orders\n", handled.Load())
	return err
}

// handle ships an order. Nil acknowledges it, an error has it tried again after a pause, and ErrDeadLetter
// never again.
func handle(_ context.Context, d clients.Delivery) error {
	var order struct {
		Order *int `json:"order"`
	}
	if err := json.Unmarshal(d.Body, &order); err != nil || order.Order == nil {
		return fmt.Errorf("message %s is no order: %w", d.ID, clients.ErrDeadLetter)
	}
	return nil
}
