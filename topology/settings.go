package topology

// NodeType says where a node keeps the cluster's metadata. RAM nodes exist in series before 4.3 only.
type NodeType string

// The two node types.
const (
	Disc NodeType = "disc"
	RAM  NodeType = "ram"
)

// PartitionHandling is a strategy for Mnesia's tables after a network partition, named as in
// https://www.rabbitmq.com/docs/partitions. Quorum queues follow Raft in any case.
type PartitionHandling string

// The partition handling strategies.
const (
	PartitionIgnore        PartitionHandling = "ignore"
	PartitionPauseMinority PartitionHandling = "pause_minority"
	PartitionAutoheal      PartitionHandling = "autoheal"
)

// LogLevel is a level of RabbitMQ's log.
type LogLevel string

// The log levels, from the most verbose to the least.
const (
	LogDebug     LogLevel = "debug"
	LogInfo      LogLevel = "info"
	LogNotice    LogLevel = "notice"
	LogWarning   LogLevel = "warning"
	LogError     LogLevel = "error"
	LogCritical  LogLevel = "critical"
	LogAlert     LogLevel = "alert"
	LogEmergency LogLevel = "emergency"
	LogNone      LogLevel = "none"
)

// FailureDetection says how soon a cluster notices that a node or a network failed.
type FailureDetection string

// The settings of failure detection.
const (
	// DetectFast finds a failed node within about three seconds. It is for nodes in one data centre.
	DetectFast FailureDetection = "fast"
	// DetectRelaxed gives a slow or lossy network four times as long.
	DetectRelaxed FailureDetection = "relaxed"
	// DetectStock leaves Erlang, RabbitMQ and HAProxy at their defaults.
	DetectStock FailureDetection = "stock"
)

// TLS says whether clients' connections are encrypted.
type TLS string

// The ways.
const (
	// TLSOff: nothing is encrypted.
	TLSOff TLS = "off"
	// TLSOptional: clients may connect in plain text and over TLS, at different ports.
	TLSOptional TLS = "optional"
	// TLSRequired: no port for clients takes plain text.
	TLSRequired TLS = "required"
)
