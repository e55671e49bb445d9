package plan

import (
	"fmt"
	"strings"

	"warren/topology"
)

// Refusal says that something is not done, why, and what the operator can do about it. Text renders it.
type Refusal struct {
	Kind RefusalKind `json:"kind"`
	// Rule is the rule that would be broken.
	Rule Rule `json:"rule"`
	// Nodes and Queues are what it is about.
	Nodes  []NodeName `json:"nodes,omitempty"`
	Queues []QueueID  `json:"queues,omitempty"`
	// From and To are what would change into what: a series, an owner.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Ask is a node that answers, for the commands that are advised; empty if none does.
	Ask NodeName `json:"ask,omitempty"`
}

// RefusalKind is what is refused, or noticed.
type RefusalKind string

// The kinds.
const (
	// ClusterMinority: nodes can't leave a cluster of which most members do not run.
	ClusterMinority RefusalKind = "cluster-minority"
	// QueueMinorityLeaves: a node that leaves has a replica of a queue whose other replicas are mostly away.
	QueueMinorityLeaves RefusalKind = "queue-minority-leaves"
	// HalfDeletedLeaves: a node that leaves is named by a queue that is half deleted.
	HalfDeletedLeaves RefusalKind = "half-deleted-leaves"
	// DurableQueues: durable queues live on a node that leaves, and on no other.
	DurableQueues RefusalKind = "durable-queues"
	// DurableQueuesDown: the same of a node that does not run.
	DurableQueuesDown RefusalKind = "durable-queues-down"
	// ForeignData: the data of a node that starts are not those of the running cluster.
	ForeignData RefusalKind = "foreign-data"
	// OtherCluster: a node is in another cluster, with other members.
	OtherCluster RefusalKind = "other-cluster"
	// OwnQueues: a node is in a cluster of its own and has queues.
	OwnQueues RefusalKind = "own-queues"
	// FoundingOverData: empty nodes would be started beside the only ones with data, which do not run.
	FoundingOverData RefusalKind = "founding-over-data"
	// NothingKept: no node that has the cluster's data would be kept.
	NothingKept RefusalKind = "nothing-kept"
	// CookieChange: the Erlang cookie would change.
	CookieChange RefusalKind = "cookie-change"
	// ForeignStack: volumes were made from another state.
	ForeignStack RefusalKind = "foreign-stack"
	// Downgrade: the image is of an older series than the data.
	Downgrade RefusalKind = "downgrade"
	// UpgradeSkips: RabbitMQ supports no upgrade in one step.
	UpgradeSkips RefusalKind = "upgrade-skips"
	// FlagsDisabled: an upgrade wants feature flags that are not enabled.
	FlagsDisabled RefusalKind = "flags-disabled"

	// HalfDeleted is a notice: a queue whose deletion was interrupted.
	HalfDeleted RefusalKind = "half-deleted"
	// QueueMinority is a notice: most replicas of a queue are away.
	QueueMinority RefusalKind = "queue-minority"
)

// Text says what is refused, why, and what to do. It is plain text in one paragraph; nothing in it harms a terminal, and
// its commands can be pasted.
func (r Refusal) Text() string {
	render, known := texts[r.Kind]
	if !known {
		return fmt.Sprintf("%s: %s %s", r.Kind, list(r.Nodes), queueList(r.Queues))
	}
	return render(r)
}

var texts = map[RefusalKind]func(Refusal) string{
	ClusterMinority: func(r Refusal) string {
		return fmt.Sprintf("No node can leave the cluster: most of its members must run for that, and %s %s not. Start %s first.",
			list(r.Nodes), plural(len(r.Nodes), "does", "do"), plural(len(r.Nodes), "it", "them"))
	},
	QueueMinorityLeaves: func(r Refusal) string {
		return fmt.Sprintf("%s can't leave: it has a replica of %s, of which most replicas are not online, so that its messages "+
			"can't be copied. Start the nodes with the other replicas, or give %s its node back.",
			list(r.Nodes), queueList(r.Queues), "the stack")
	},
	HalfDeletedLeaves: func(r Refusal) string {
		return fmt.Sprintf("%s can't leave: %s %s half deleted, and nobody leads %s. If the deletion was meant, finish it:%s",
			list(r.Nodes), queueList(r.Queues), plural(len(r.Queues), "is", "are"), plural(len(r.Queues), "it", "them"), r.deletions())
	},
	DurableQueues: func(r Refusal) string {
		return fmt.Sprintf("%s can't leave: it alone has %s, and Warren neither moves nor deletes durable queues. Move %s, or delete "+
			"what nobody needs, which these commands only do if it is empty and unused:%s",
			list(r.Nodes), queueList(r.Queues), plural(len(r.Queues), "it", "them"), r.deletions("--if-empty", "--if-unused"))
	},
	DurableQueuesDown: func(r Refusal) string {
		return fmt.Sprintf("%s can't leave: it alone has %s, and it is down, so that nobody knows what is in %s. Start it, or give the "+
			"stack its node back. Only if its data are lost for good, give up what was on it: %s",
			list(r.Nodes), queueList(r.Queues), plural(len(r.Queues), "it", "them"), r.command("forget_cluster_node", string(r.first())))
	},
	ForeignData: func(r Refusal) string {
		return fmt.Sprintf("%s has data of another cluster than the one that runs, and they may be the only copy of something, so that "+
			"they are left alone and it does not start. To make it a member, first save its volume elsewhere, or make sure that nothing in "+
			"it is needed; then remove its container and its volume, and run `pulumi up`.", list(r.Nodes))
	},
	OtherCluster: func(r Refusal) string {
		return fmt.Sprintf("%s is in another cluster, together with other nodes. Find out which cluster has the data that you need. "+
			"Resetting a node deletes what is on it, so that Warren does not do it here.", list(r.Nodes))
	},
	OwnQueues: func(r Refusal) string {
		return fmt.Sprintf("%s is a cluster of its own and has queues, which it would lose by joining the others. Move or delete them "+
			"first; %s shows them.", list(r.Nodes), commandOn(r.first(), "list_queues", "name", "messages"))
	},
	FoundingOverData: func(r Refusal) string {
		return fmt.Sprintf("%s %s data and %s not run, and most of the stack's other nodes are empty: without %s they would be a new, "+
			"empty cluster. Start %s first (`docker start` its container), and bring back the volumes of its peers if they were moved. "+
			"If these are lost for good, save its volume before you do anything else.",
			list(r.Nodes), plural(len(r.Nodes), "has", "have"), plural(len(r.Nodes), "does", "do"), plural(len(r.Nodes), "it", "them"),
			plural(len(r.Nodes), "it", "them"))
	},
	NothingKept: func(r Refusal) string {
		return fmt.Sprintf("The stack would keep none of the nodes that have its data: %s. Keep at least one of them in warren:nodes until "+
			"the others are members; replace it in the next step. To delete everything, destroy the stack.", list(r.Nodes))
	},
	CookieChange: func(r Refusal) string {
		hosts := make([]string, len(r.Nodes))
		for i, n := range r.Nodes {
			hosts[i] = n.host()
		}
		return fmt.Sprintf("The Erlang cookie would change, and nodes with different cookies do not talk to each other, so that this can't "+
			"roll. If it was not meant, the passphrase, the state or warren:erlangCookie is another one than before: restore it. If it was "+
			"meant, remove the containers of all nodes (%s), not their volumes; `pulumi up` then starts them together.", list(hosts))
	},
	ForeignStack: func(r Refusal) string {
		return fmt.Sprintf("The volumes of %s were made from another state of this stack (%s; this one is %s): another clone, another "+
			"backend, or a state that was lost. Nothing of it is touched. Deploy from there, import its state, or choose another name for "+
			"this stack.", list(r.Nodes), printed(r.From), printed(r.To))
	},
	Downgrade: func(r Refusal) string {
		return fmt.Sprintf("RabbitMQ %s wrote the data of %s, and the image is %s, which can't take over the data of a newer series. "+
			"Set warren:image to %s or newer, or destroy the stack first.", r.From, list(r.Nodes), r.To, r.From)
	},
	UpgradeSkips: func(r Refusal) string {
		return fmt.Sprintf("RabbitMQ %s wrote the data of %s, and the image is %s, to which RabbitMQ supports no upgrade in one step: %s.",
			r.From, list(r.Nodes), r.To, r.path())
	},
	FlagsDisabled: func(r Refusal) string {
		return fmt.Sprintf("RabbitMQ %s starts only on data whose stable feature flags are all enabled, and some are not. Enable them first, "+
			"by `pulumi up` with the image of %s, or by %s.", r.To, r.From, r.command("enable_feature_flag", "all"))
	},
	HalfDeleted: func(r Refusal) string {
		return fmt.Sprintf("The deletion of %s was interrupted: all its nodes run, and none of its replicas does. Nothing waits for it. "+
			"If the deletion was meant, finish it:%s", queueList(r.Queues), r.deletions())
	},
	QueueMinority: func(r Refusal) string {
		return fmt.Sprintf("Most replicas of %s are not online (%s), so that it takes no messages and its replicas can't be changed. "+
			"Nothing waits for it.", queueList(r.Queues), list(r.Nodes))
	},
}

func (r Refusal) first() NodeName {
	if len(r.Nodes) == 0 {
		return ""
	}
	return r.Nodes[0]
}

// path says by which series an upgrade goes.
func (r Refusal) path() string {
	from, err := topology.ParseSeries(r.From)
	to, err2 := topology.ParseSeries(r.To)
	if err != nil || err2 != nil {
		return "go by the series between them"
	}
	path := from.UpgradePath(to)
	if path == nil {
		return "go by the series between them, with a `pulumi up` for each"
	}
	var stops []string
	for _, s := range path {
		stops = append(stops, s.String())
	}
	return "set warren:image to " + strings.Join(stops, ", then ") + ", with a `pulumi up` for each"
}

// deletions are the commands that delete the queues.
func (r Refusal) deletions(options ...string) string {
	var b strings.Builder
	for i, q := range r.Queues {
		if i == shown {
			fmt.Fprintf(&b, "\n  and %d more", len(r.Queues)-shown)
			break
		}
		args := append([]string{"delete_queue", "--vhost", q.VHost}, options...)
		b.WriteString("\n  " + r.command(append(args, q.Name)...))
	}
	return b.String()
}

// command is a command of rabbitmqctl on a node that answers.
func (r Refusal) command(args ...string) string { return commandOn(r.Ask, args...) }

func commandOn(node NodeName, args ...string) string {
	words := []string{"rabbitmqctl"}
	if node != "" {
		words = append(words, "-n", string(node))
	}
	words = append(words, args...)
	for i, w := range words {
		words[i] = ShellQuote(w)
	}
	return strings.Join(words, " ")
}
