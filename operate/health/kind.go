package health

// Kind says what is wrong.
type Kind string

// What can be wrong with a cluster. The comments name the problem's subject.
const (
	NodeMissing Kind = "node-missing" // node: its container does not exist
	NodeDown    Kind = "node-down"    // node: its container does not run
	NodePaused  Kind = "node-paused"  // node: its container is frozen
	NodeBooting Kind = "node-not-up"  // node: container runs, no Erlang node yet
	AppStopped  Kind = "app-stopped"  // node: the Erlang node runs without RabbitMQ
	// node: RabbitMQ runs, its management API gives no answer
	ManagementSilent Kind = "management-silent"
	// node: its management API refuses the stack's credentials
	ManagementRefuses Kind = "management-refuses"
	// node: RabbitMQ runs and does not listen for AMQP clients
	AMQPSilent        Kind = "amqp-silent"
	NodeDrained       Kind = "node-drained"       // node: in maintenance mode
	WrongType         Kind = "wrong-type"         // node: disc instead of RAM, or the reverse
	MembershipDiffers Kind = "membership-differs" // node: does not count others of the stack as members
	// Erlang name of a member that is none of the stack's nodes
	NotInStack          Kind = "not-in-stack"
	Partition           Kind = "partition"             // node: runs, and cannot see others that run
	MemoryAlarm         Kind = "memory-alarm"          // node
	DiskAlarm           Kind = "disk-alarm"            // node
	CookieMismatch      Kind = "cookie-mismatch"       // node: cookie differs from that of most
	CookieUnreadable    Kind = "cookie-unreadable"     // node
	VersionMismatch     Kind = "version-mismatch"      // node: version differs from that of most
	SeriesDiffers       Kind = "series-differs"        // node: runs another series than the stack's outputs say
	FeatureFlagMismatch Kind = "feature-flag-mismatch" // node: flags differ from those of most
	QueuesUnknown       Kind = "queues-unknown"        // no subject
	QueueHalfDeleted    Kind = "queue-half-deleted"    // queue: its record is there, and none of its replicas
	QueueNoLeader       Kind = "queue-without-leader"  // queue or stream
	ReplicaOffline      Kind = "replica-offline"       // queue or stream: a replica does not take part
	ReplicaNotVoting    Kind = "replica-not-voting"    // queue: a replica was added and does not vote yet
	ReplicaBehind       Kind = "replica-behind"        // queue: a replica lacks what the others have
	TooFewReplicas      Kind = "too-few-replicas"      // queue or stream: has fewer replicas than it should
	// queue: of a type that lives on one node, and it does not run there
	QueueDown        Kind = "queue-down"
	NotReplicated    Kind = "not-replicated"         // queue: of a type that lives on one node
	LeadersNotSpread Kind = "leaders-not-spread"     // node: leads more than its share
	LoadBalancerDown Kind = "load-balancer-down"     // load balancer's container
	ServerDown       Kind = "server-down"            // node: serves, and the load balancer does not use it
	ServerWronglyUp  Kind = "server-wrongly-up"      // node: does not serve, and the load balancer uses it
	ServerMissing    Kind = "server-missing"         // node: the load balancer does not know it
	NotSpread        Kind = "connections-not-spread" // node: gets no connections from the load balancer
	// node or load balancer's container: clients refuse its certificate
	CertificateRefused Kind = "certificate-refused"
	// node or load balancer's container: its certificate ends soon
	CertificateEnds   Kind = "certificate-ends"
	HelperMissing     Kind = "helper-missing"     // helper's container: does not exist
	HelperDown        Kind = "helper-down"        // helper's container: does not run
	HelperUnhealthy   Kind = "helper-unhealthy"   // helper's container: its health check fails
	OutputsIncomplete Kind = "outputs-incomplete" // no subject: the outputs were written by an older version
)

// Kinds returns all that can be wrong with a cluster.
func Kinds() []Kind {
	return []Kind{
		NodeMissing, NodeDown, NodePaused, NodeBooting, AppStopped, ManagementSilent, ManagementRefuses, AMQPSilent,
		NodeDrained, WrongType, MembershipDiffers, NotInStack, Partition, MemoryAlarm, DiskAlarm, CookieMismatch,
		CookieUnreadable, VersionMismatch, SeriesDiffers, FeatureFlagMismatch, QueuesUnknown, QueueHalfDeleted,
		QueueNoLeader, ReplicaOffline, ReplicaNotVoting, ReplicaBehind, TooFewReplicas, QueueDown, NotReplicated,
		LeadersNotSpread, LoadBalancerDown, ServerDown, ServerWronglyUp, ServerMissing, NotSpread,
		CertificateRefused,
		CertificateEnds, HelperMissing, HelperDown,
		HelperUnhealthy, OutputsIncomplete,
	}
}

// ofHelper tells whether it is a helper that something is wrong with.
func (k Kind) ofHelper() bool { return k == HelperMissing || k == HelperDown || k == HelperUnhealthy }
