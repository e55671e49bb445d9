package topology

const (
	// DefaultConnectionMax needs no more open files than engines grant by default.
	DefaultConnectionMax = 4096
	// MaxOpenFiles is the most descriptors that the kernel grants a process, unless fs.nr_open was changed.
	MaxOpenFiles = 1 << 20

	// advisedOpenFiles is how many RabbitMQ's production checklist asks for at least.
	advisedOpenFiles = 50_000

	// A node needs two descriptors for each connection, and some for queues, logs and the distribution.
	descriptorsPerConnection = 2
	nodeDescriptors          = 8192
	// A proxied connection has two ends. HAProxy needs some for listeners, checks and pipes.
	descriptorsPerProxied = 2
	balancerDescriptors   = 1024

	// What HAProxy accepts on its other ports at a time. They have places of their own, so that the
	// management interface and the statistics answer while AMQP clients take all of theirs.
	maxManagementConnections = 512
	maxStatsConnections      = 64
	maxMetricsConnections    = 16
	maxOtherConnections      = maxManagementConnections + maxStatsConnections + maxMetricsConnections

	// What HAProxy takes for a connection through it that is idle, 9 KiB (measured with 3.2), and some more.
	connectionMemory = 10 << 10
	// balancerMemory is what HAProxy takes besides: a master and, during a reload, two workers.
	balancerMemory    = 64 << 20
	minBalancerMemory = 256 << 20
	// balancedNodes is for how many nodes with all their connections HAProxy has memory. It does not depend
	// on how many nodes there are, because adding one must not change HAProxy's container.
	balancedNodes = 8
)

// OpenFiles is how many files a node must be able to open for all its connections.
func (c *Cluster) OpenFiles() int { return descriptorsPerConnection*c.ConnectionMax + nodeDescriptors }

// WantedOpenFiles is the limit on a node's open files, if the engine grants as many. The engine's own limit
// may be too low, or so high that Erlang, which has tables for as many as allowed, takes memory for millions.
func (c *Cluster) WantedOpenFiles() int { return max(c.OpenFiles(), advisedOpenFiles) }

// MostConnections is how many connections a node can accept that may open so many files.
func MostConnections(openFiles int) int {
	return (openFiles - nodeDescriptors) / descriptorsPerConnection
}

// BalancerLimits are the limits of HAProxy's process.
type BalancerLimits struct {
	// AMQPConnectionMax is how many AMQP connections it accepts at a time: as many as all nodes together, or
	// as many as one process has memory and descriptors for.
	AMQPConnectionMax int
	// ManagementConnectionMax is how many connections to the management interface it accepts at a time.
	ManagementConnectionMax int
	// StatsConnectionMax is how many connections to the statistics page it accepts at a time.
	StatsConnectionMax int
	// MetricsConnectionMax is how many connections to its metrics it accepts at a time.
	MetricsConnectionMax int
	// DescriptorLimit is the most descriptors that it may use. It derives its number of connections from
	// that, or from the container's limit if that is lower.
	DescriptorLimit int
}

// BalancerLimits are the limits of each load balancer's process.
func (c *Cluster) BalancerLimits() BalancerLimits {
	const most = (MaxOpenFiles-balancerDescriptors)/descriptorsPerProxied - maxOtherConnections
	amqp := min(min(len(c.Nodes), balancedNodes)*c.ConnectionMax, most)
	return BalancerLimits{
		AMQPConnectionMax:       amqp,
		ManagementConnectionMax: maxManagementConnections,
		StatsConnectionMax:      maxStatsConnections,
		MetricsConnectionMax:    maxMetricsConnections,
		DescriptorLimit:         descriptorsPerProxied*(amqp+maxOtherConnections) + balancerDescriptors,
	}
}

// LoadBalancerMemory is the memory limit of HAProxy's container, in bytes.
func (c *Cluster) LoadBalancerMemory() int64 {
	return max(minBalancerMemory, balancerMemory+balancedNodes*connectionMemory*int64(c.ConnectionMax))
}
