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

// The types of queues, and the argument of a declaration that names one.
const (
	QueueTypeArgument = "x-queue-type"

	ClassicQueue = "classic"
	QuorumQueue  = "quorum"
	StreamQueue  = "stream"
)

// Names in the applications that come with Warren: application/app.yaml and application/tutorial.yaml.
const (
	DefaultExchange   = "ha_exchange"
	DefaultQueue      = "ha_queue"
	DefaultRoutingKey = "ha_route"

	// DefaultApplicationFile is the file with the application's topology.
	DefaultApplicationFile = "application/app.yaml"
)

// DefaultVirtualHost is the virtual host that every cluster has.
const DefaultVirtualHost = "/"
