package clients

import "context"

// PublishHook observes the messages of a producer, for metrics and tracing. It is called by Publish and
// PublishAsync for every message before it is sent, with its defaults filled in, and may add headers, such as
// a trace context; a map that the caller gave must be copied for that. What it returns, unless nil, is called
// once with the outcome, as Confirmation.Err has it, without any lock: on the caller's goroutine if the
// message was not taken, and otherwise on one of the producer's, one at a time. A message keeps its place in
// the window until then, so that a slow hook slows down publishing; it must not wait for a Publish of the
// same producer.
type PublishHook func(ctx context.Context, m *Message) (done func(err error))

// WithPublishHook has h called for every message.
func WithPublishHook(h PublishHook) ProducerOption {
	return producerOption(func(c *producerConfig) { c.publishHook = h })
}

// HandleHook observes the messages that a consumer handles, for metrics and tracing. It is called before the
// Handler, on the same goroutine, and what it returns is the Handler's context, and a function that is called
// with what the Handler has returned.
type HandleHook func(ctx context.Context, d Delivery) (handling context.Context, done func(err error))

// WithHandleHook has h called for every message that is handled. Messages that deduplication drops are not.
func WithHandleHook(h HandleHook) ConsumerOption {
	return consumerOption(func(c *consumerConfig) { c.handleHook = h })
}
