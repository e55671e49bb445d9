package state

// Rule is an invariant of the planner. Each condition of an action names the rule that it serves.
type Rule int

// The rules.
const (
	// RuleMajority: no action lowers the caught-up voters of a queue, a stream or the metadata store to the edge
	// of a majority or below while another way exists, and none lowers them below a majority. A group of one or
	// two voters has no majority without one of them; its node may be restarted when all of them are there,
	// since waiting helps nobody.
	RuleMajority Rule = 1 + iota
	// RuleReplicas: a replica is taken away only from a queue for which that is needed, one queue at a time, and
	// only when as many caught-up voters as wanted are left. A queue that is not healthy is reported by name,
	// holds up nothing that does not concern it, and never causes a change to another queue.
	RuleReplicas
	// RuleDurable: a node leaves only when nothing durable lives on it alone, as seen when it can't get anything
	// any more.
	RuleDurable
	// RuleOneAtATime: nothing is done to a node that is up while another member is missing, except bringing that
	// one back. Up means that the node itself serves.
	RuleOneAtATime
	// RuleOnlyCopy: an empty node never founds a cluster while a volume of its stack holds data, or may hold
	// some. The only copy of data is never set aside.
	RuleOnlyCopy
	// RuleRemembered: what was to be restored is compared with what is there before it is called done, and is
	// remembered until then.
	RuleRemembered
	// RuleRefusal: a deployment that is refused changes nothing.
	RuleRefusal
	// RuleOwner: a change that can't roll is refused before anything is touched. Data are deleted only by an
	// explicit destroy of the stack that made them, or after the cluster has let their node go.
	RuleOwner
)
