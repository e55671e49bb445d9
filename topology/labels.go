package topology

// The labels of what belongs to a stack: containers, volumes and networks.
const (
	// LabelStack has the stack's name as its value.
	LabelStack = "warren.stack"
	// LabelRole tells what a container or volume is for: one of the roles below.
	LabelRole = "warren.role"
	// LabelNode is the host name of the node that a container or volume belongs to.
	LabelNode = "warren.node"
	// LabelSeries is the RabbitMQ series that a node's container was made for.
	LabelSeries = "warren.series"
	// LabelCookie is the fingerprint of the Erlang cookie in a node's container:
	// Secrets.CookieFingerprint.
	LabelCookie = "warren.cookie"
	// LabelSettings is a fingerprint of what a node's container was made from, by which a deployment tells
	// whether it would replace it.
	LabelSettings = "warren.settings"
	// LabelNodeContainer is the ID of the container whose node a membership watches.
	LabelNodeContainer = "warren.node-container"
	// LabelGeneration tells the containers of one purpose apart. A deployment counts it up to replace a
	// container that is otherwise as it should be: one that was stopped, or a helper that has lost what it
	// watches over.
	LabelGeneration = "warren.generation"
	// LabelOwner identifies the deployment state that created a container, a volume or a network. Another clone
	// of the project, and a new state after a lost one, have another one.
	LabelOwner = "warren.owner"
	// LabelOpenFiles is the limit on open files of a node's container.
	LabelOpenFiles = "warren.open-files"
	// LabelDistribution tells how the node in a container talks to other nodes: DistributionTLS or
	// DistributionPlain.
	LabelDistribution = "warren.distribution"
	// LabelHadData is "true" on a node's container that was created while the stack had data, so that the node
	// in it never founds a cluster.
	LabelHadData = "warren.had-data"
)

// The values of LabelDistribution.
const (
	DistributionPlain = "plain"
	DistributionTLS   = "tls"
)

// The values of LabelRole.
const (
	RoleNode               = "node"
	RoleMembership         = "join"
	RoleFormation          = "formation"
	RoleLoadBalancer       = "load-balancer"
	RoleLoadBalancerConfig = "load-balancer-config"
	RoleVirtualAddress     = "virtual-address"
	RolePrometheus         = "prometheus"
	RoleAlertmanager       = "alertmanager"
	RoleGrafana            = "grafana"
	// RoleFault is that of a container which a fault injection has started.
	RoleFault = "fault"
	// RoleLyingDisk is that of the container with the disk that a node's volume has been put on for a fault.
	RoleLyingDisk = "lying-disk"
)

// StackLabel selects what belongs to a stack, as Docker's label filter takes it.
func StackLabel(stack string) string { return LabelStack + "=" + stack }

// RoleLabel selects what has a role, as Docker's label filter takes it.
func RoleLabel(role string) string { return LabelRole + "=" + role }
