package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"time"
)

// greetTimeout is how long a broker may take to answer a greeting.
const greetTimeout = time.Second

// greeted returns nil if a broker answers at an AMQP URI: to the protocol's header it sends its Connection.Start. A load
// balancer without a server behind it accepts connections too.
func greeted(ctx context.Context, endpoint string) error {
	at, err := url.Parse(endpoint)
	if err != nil {
		return errors.New("an AMQP endpoint is not a URI") // the error would show the password
	}
	ctx, cancel := context.WithTimeout(ctx, greetTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", at.Host)
	if err != nil {
		return err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("AMQP\x00\x00\x09\x01")); err != nil {
		return err
	}
	const methodFrame = 1
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return fmt.Errorf("%s does not greet: %w", at.Host, err)
	}
	if first[0] != methodFrame {
		return fmt.Errorf("%s does not speak AMQP", at.Host)
	}
	return nil
}

const (
	// knockEvery is short: it limits how well the outage of a load balancer is told from that of its clients.
	knockEvery = 10 * time.Millisecond
	// knockTimeout is far longer than a load balancer that serves takes to answer.
	knockTimeout = 100 * time.Millisecond
)

// firstGreeting returns nil as soon as a broker answers at an AMQP URI. It does not wait for one greeting to end before the next: one that
// comes a moment too early may hang, and would hide that another gets through.
func firstGreeting(ctx context.Context, endpoint string) error {
	var knocks sync.WaitGroup
	defer knocks.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answered := make(chan struct{}, 1)
	ticker := time.NewTicker(knockEvery)
	defer ticker.Stop()
	for {
		select {
		case <-answered:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
			knocks.Go(func() {
				ctx, cancel := context.WithTimeout(ctx, knockTimeout)
				defer cancel()
				if greeted(ctx, endpoint) == nil {
					select {
					case answered <- struct{}{}:
					default: // another one was first
					}
				}
			})
		}
	}
}
