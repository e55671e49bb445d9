package flight

import (
	"errors"
	"fmt"
	"strconv"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/clients/internal/field"
)

// maxExpiration is the longest expiration that RabbitMQ takes, in milliseconds: ten years.
const maxExpiration = 315_360_000_000

// Prepare finds what cannot be expressed, and makes the headers ready to be sent. It returns how many bytes
// the properties take, of which there can be at most limit.
func Prepare(exchange, routingKey string, p *amqp.Publishing, limit int) (size int, err error) {
	var problems []error
	short := func(what, s string) {
		size += 1 + len(s)
		if err := field.ShortString(what, s); err != nil {
			problems = append(problems, err)
		}
	}
	short("exchange", exchange)
	short("routing key", routingKey)
	size = 1 + 1 + 8 // delivery mode, priority, timestamp
	short("id", p.MessageId)
	short("content type", p.ContentType)
	short("content encoding", p.ContentEncoding)
	short("correlation id", p.CorrelationId)
	short("reply-to", p.ReplyTo)
	short("type", p.Type)
	short("user id", p.UserId)
	short("app id", p.AppId)
	short("expiration", p.Expiration)
	if p.Expiration != "" {
		if ms, err := strconv.ParseUint(p.Expiration, 10, 64); err != nil || ms > maxExpiration {
			problems = append(problems, fmt.Errorf("expiration %q is not a number of milliseconds from 0 to %d",
				p.Expiration, maxExpiration))
		}
	}
	if len(p.Headers) > 0 {
		table, n, err := field.Table(p.Headers)
		if err != nil {
			problems = append(problems, fmt.Errorf("header %w", err))
		}
		p.Headers = table
		size += n
	}
	if size > limit && problems == nil {
		problems = append(problems, TooLarge(size, limit))
	}
	if problems != nil {
		return 0, errors.Join(problems...)
	}
	return size, nil
}
