package application

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	definition "warren/topology/application"
)

// lookTimeout bounds looking into all queues of a virtual host that are to be removed.
const lookTimeout = 5 * time.Minute

// lookers ask queues over connections that they keep, one for each virtual host.
type lookers struct {
	state       *State
	connections map[string]*amqp.Connection
}

// ask asks a queue itself how many messages wait in it and how many consumers it has: statistics are seconds
// old. What consumers hold without having acknowledged it is not counted.
func (l *lookers) ask(ctx context.Context, id definition.ID) (messages, consumers int, err error) {
	connection, open := l.connections[id.VHost]
	if !open {
		if connection, err = l.state.connect(ctx, id.VHost); err != nil {
			return 0, 0, err
		}
		if l.connections == nil {
			l.connections = map[string]*amqp.Connection{}
		}
		l.connections[id.VHost] = connection
	}
	channel, err := connection.Channel()
	if err != nil {
		return 0, 0, err
	}
	queue, err := channel.QueueDeclarePassive(id.Name, true, false, false, false, nil)
	if err != nil {
		return 0, 0, err // which has closed the channel
	}
	return queue.Messages, queue.Consumers, channel.Close()
}

func (l *lookers) close() {
	for _, connection := range l.connections {
		_ = connection.Close() // it was only looked through
	}
}

// connect opens an administrator's connection to a virtual host of the node. The client library takes no
// context, so the deadline is set on its connection.
func (s *State) connect(ctx context.Context, vhost string) (*amqp.Connection, error) {
	endpoint := ""
	for i, node := range s.cluster.Nodes() {
		if outputs := s.cluster.Outputs(); node.Name == s.node.Name && i < len(outputs.AMQPURLs) {
			endpoint = outputs.AMQPURLs[i]
		}
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return nil, errors.New("an AMQP endpoint of the stack is not a URI") // the error would show the password
	}
	u.Path, u.RawPath = "/"+vhost, "/"+url.PathEscape(vhost)
	u.User = url.UserPassword(s.cluster.Outputs().Username, s.cluster.Outputs().Password)
	connection, err := amqp.DialConfig(u.String(), amqp.Config{
		TLSClientConfig: s.cluster.TLS(),
		Dial: func(network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return conn, conn.SetDeadline(time.Now().Add(lookTimeout))
		},
	})
	if err != nil {
		return nil, fmt.Errorf("open an AMQP connection to vhost %s: %w", vhost, err)
	}
	return connection, nil
}
