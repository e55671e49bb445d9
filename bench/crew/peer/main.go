// Command peer produces or consumes with github.com/wagslane/go-rabbitmq, as its examples do, for the
// benchmark of outages. It is a module of its own so that only the benchmark depends on that library.
//
//	peer produce QUEUE PREFIX RATE
//	peer consume QUEUE
//
// RABBITMQ_URLS holds the AMQP URIs of the endpoints, separated by blanks. What happens is written to
// standard output, one event per line: "attempt ID", "confirmed ID", "failed ID REASON", "delivered ID".
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	rabbitmq "github.com/wagslane/go-rabbitmq"
)

// patience is how long a confirm is waited for; the library itself waits forever.
const patience = 10 * time.Second

func main() {
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	conn, err := rabbitmq.NewClusterConn(rabbitmq.NewStaticResolver(strings.Fields(os.Getenv("RABBITMQ_URLS")),
		false))
	if err != nil {
		return err
	}
	switch {
	case len(args) == 4 && args[0] == "produce":
		rate, err := strconv.ParseFloat(args[3], 64)
		if err != nil {
			return err
		}
		return produce(conn, args[1], args[2], rate)
	case len(args) == 2 && args[0] == "consume":
		return consume(conn, args[1])
	}
	return fmt.Errorf("usage: peer produce QUEUE PREFIX RATE, or peer consume QUEUE")
}

func produce(conn *rabbitmq.Conn, queue, prefix string, rate float64) error {
	publisher, err := rabbitmq.NewPublisher(conn, rabbitmq.WithPublisherOptionsConfirm)
	if err != nil {
		return err
	}
	due := time.NewTicker(time.Duration(float64(time.Second) / rate))
	for n := 1; ; n++ {
		<-due.C
		id := fmt.Sprintf("%s/%06d", prefix, n)
		event("attempt", id)
		confirmations, err := publisher.PublishWithDeferredConfirmWithContext(context.Background(), []byte(id),
			[]string{queue},
			rabbitmq.WithPublishOptionsPersistentDelivery, rabbitmq.WithPublishOptionsMandatory)
		switch {
		case err != nil:
			event("failed", id, err)
		case len(confirmations) == 0 || confirmations[0] == nil:
			event("failed", id, "the library gave no confirmation to wait for")
		default:
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				defer cancel()
				switch confirmed, err := confirmations[0].WaitContext(ctx); {
				case err != nil:
					event("failed", id, err)
				case !confirmed:
					event("failed", id, "not confirmed")
				default:
					event("confirmed", id)
				}
			}()
		}
	}
}

func consume(conn *rabbitmq.Conn, queue string) error {
	consumer, err := rabbitmq.NewConsumer(conn, queue, rabbitmq.WithConsumerOptionsQueueNoDeclare)
	if err != nil {
		return err
	}
	return consumer.Run(func(d rabbitmq.Delivery) rabbitmq.Action {
		event("delivered", string(d.Body))
		return rabbitmq.Ack
	})
}

// printing keeps lines whole.
var printing sync.Mutex

func event(words ...any) {
	printing.Lock()
	defer printing.Unlock()
	fmt.Println(words...)
}
