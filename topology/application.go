package topology

// Application is what an application needs to have declared: exchanges, queues and bindings of one virtual
// host.
type Application struct {
	VirtualHost string
	Exchanges   []Exchange
	Queues      []Queue
	Bindings    []Binding
}

// Exchange is a durable exchange.
type Exchange struct {
	Name string
	// Type is "direct", "fanout", "topic" or "headers".
	Type string
}

// Queue is a durable queue.
type Queue struct {
	Name string
	// Arguments are the optional arguments of queue.declare. Numbers are int64, as AMQP 0-9-1 tables and JSON
	// both take them.
	Arguments map[string]any
}

// Binding routes what exchange Source receives with RoutingKey to queue Destination.
type Binding struct {
	Source, Destination, RoutingKey string
}

// Names in the default application.
const (
	DefaultExchange     = "ha_exchange"
	DefaultQueue        = "ha_queue"
	DefaultRoutingKey   = "ha_route"
	DeadLetterExchange  = "ha_dlx"
	DeadLetterQueue     = "ha_dead_letters"
	defaultDeliveryTry  = 20
	defaultMaxLength    = 10_000
	quorumGroupSize     = 3
	defaultVirtualHost  = "/"
	argQueueType        = "x-queue-type"
	argInitialGroupSize = "x-quorum-initial-group-size"
)

// DefaultApplication is the tutorial's application: a direct exchange, a quorum queue of three replicas that
// holds 10,000 messages and rejects further ones, and the binding between them. Beyond the tutorial, messages
// that can't be processed go to a dead-letter queue instead of being dropped or redelivered for ever.
func DefaultApplication() Application {
	return Application{
		VirtualHost: defaultVirtualHost,
		Exchanges: []Exchange{
			{Name: DefaultExchange, Type: "direct"},
			{Name: DeadLetterExchange, Type: "fanout"},
		},
		Queues: []Queue{
			{Name: DefaultQueue, Arguments: map[string]any{
				argQueueType:        "quorum",
				argInitialGroupSize: int64(quorumGroupSize),
				"x-max-length":      int64(defaultMaxLength),
				"x-overflow":        "reject-publish",
				// What RabbitMQ 4.0 and later do by themselves; older series redeliver for ever.
				"x-delivery-limit":       int64(defaultDeliveryTry),
				"x-dead-letter-exchange": DeadLetterExchange,
				// A message leaves this queue only once the dead-letter queue has confirmed it. Requires
				// reject-publish.
				"x-dead-letter-strategy": "at-least-once",
			}},
			{Name: DeadLetterQueue, Arguments: map[string]any{
				argQueueType:        "quorum",
				argInitialGroupSize: int64(quorumGroupSize),
			}},
		},
		Bindings: []Binding{
			{Source: DefaultExchange, Destination: DefaultQueue, RoutingKey: DefaultRoutingKey},
			{Source: DeadLetterExchange, Destination: DeadLetterQueue},
		},
	}
}
