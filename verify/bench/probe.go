package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
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
	if err := conn.SetDeadline(time.Now().Add(greetTimeout)); err != nil {
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
