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
	// LabelNodeContainer is the ID of the container whose node a membership watches.
	LabelNodeContainer = "warren.node-container"
	// LabelGeneration tells memberships of one node container apart. A new one is made when the node was down.
	LabelGeneration = "warren.generation"
	// LabelOwner identifies the deployment state that created a volume, by the fingerprint of its Erlang cookie: another
	// clone of the project has another one.
	LabelOwner = "warren.owner"
)

// The values of LabelRole.
const (
	RoleNode               = "node"
	RoleMembership         = "join"
	RoleFormation          = "formation"
	RoleLoadBalancer       = "load-balancer"
	RoleLoadBalancerConfig = "load-balancer-config"
	// RoleFault is that of a container which a fault injection has started.
	RoleFault = "fault"
)

// StackLabel selects what belongs to a stack, as Docker's label filter takes it.
func StackLabel(stack string) string { return LabelStack + "=" + stack }

// RoleLabel selects what has a role, as Docker's label filter takes it.
func RoleLabel(role string) string { return LabelRole + "=" + role }
