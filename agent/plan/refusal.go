package plan

// Refusal says that something is not done, why, and what the operator can do about it. Text renders it.
type Refusal struct {
	Kind RefusalKind `json:"kind"`
	// Rule is the rule that would be broken.
	Rule Rule `json:"rule"`
	// Nodes and Queues are what it is about.
	Nodes  []NodeName `json:"nodes,omitempty"`
	Queues []QueueID  `json:"queues,omitempty"`
	// From and To are what would change into what: a version, a series, an owner.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Ask is a node that answers, for the commands that are advised.
	Ask NodeName `json:"ask,omitempty"`
}

// RefusalKind is what is refused.
type RefusalKind string
