package state

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
	// Nodes and Queues are what it is about; of a node that can't leave, the first is that node, and others are
	// what it would take.
	Nodes  []NodeName `json:"nodes,omitempty"`
	Queues []QueueID  `json:"queues,omitempty"`
	// From and To are what would change into what: a series, an owner.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Stack is the name of the stack.
	Stack string `json:"stack,omitempty"`
	// Ask is a node that answers, for the commands that are advised; empty if none does.
	Ask NodeName `json:"ask,omitempty"`
}

// RefusalKind is what is refused, or noticed.
type RefusalKind string

// The kinds.
const (
	// ClusterMinority: nodes can't leave a cluster of which most members do not run.
	ClusterMinority RefusalKind = "cluster-minority"
	// NobodyToAsk: nodes are to leave while no cluster with a majority runs.
	NobodyToAsk RefusalKind = "nobody-to-ask"
	// LastOfMnesia: one node would be left of a cluster with Mnesia.
	LastOfMnesia RefusalKind = "last-of-mnesia"
	// QueueMinorityLeaves: a node that leaves has a replica of a queue whose other replicas are mostly away.
	QueueMinorityLeaves RefusalKind = "queue-minority-leaves"
	// QueueMinorityRejoins: a node that has lost its data is a voter of a queue whose other replicas are mostly
	// away.
	QueueMinorityRejoins RefusalKind = "queue-minority-rejoins"
	// HalfDeletedLeaves: a node that leaves is named by a queue that is half deleted.
	HalfDeletedLeaves RefusalKind = "half-deleted-leaves"
	// DurableQueues: durable queues live on a node that leaves, and on no other.
	DurableQueues RefusalKind = "durable-queues"
	// DurableQueuesDown: the same of a node that does not run.
	DurableQueuesDown RefusalKind = "durable-queues-down"
	// OtherCluster: a node is in another cluster, with other members.
	OtherCluster RefusalKind = "other-cluster"
	// OwnQueues: a node is in a cluster of its own and has queues.
	OwnQueues RefusalKind = "own-queues"
	// FoundingOverData: most nodes have lost their data, and those that have some do not run.
	FoundingOverData RefusalKind = "founding-over-data"
	// NothingKept: no node that has the cluster's data would be kept.
	NothingKept RefusalKind = "nothing-kept"
	// LastDisc: no disc node would stay one.
	LastDisc RefusalKind = "last-disc"
	// CookieChange: the Erlang cookie would change.
	CookieChange RefusalKind = "cookie-change"
	// DistributionChange: nodes would talk to each other over TLS that do so in plain text, or the reverse.
	DistributionChange RefusalKind = "distribution-change"
	// ForeignStack: volumes were made from another state.
	ForeignStack RefusalKind = "foreign-stack"
	// Downgrade: the image is of an older series than the data.
	Downgrade RefusalKind = "downgrade"
	// UpgradeSkips: RabbitMQ supports no upgrade in one step.
	UpgradeSkips RefusalKind = "upgrade-skips"
	// FlagsDisabled: an upgrade wants feature flags that are not enabled.
	FlagsDisabled RefusalKind = "flags-disabled"
	// ChangeWhileAway: nodes would be changed that the cluster can't do without while others are away.
	ChangeWhileAway RefusalKind = "change-while-away"
	// DurableQueuesStay: durable queues live on a node that goes to another host, and on no other.
	DurableQueuesStay RefusalKind = "durable-queues-stay"

	// HalfDeleted is a notice: a queue whose deletion was interrupted.
	HalfDeleted RefusalKind = "half-deleted"
	// ForeignData is a notice: a node that does not serve has data, and not those of the running cluster.
	ForeignData RefusalKind = "foreign-data"
	// ReplicaPostponed is a notice: a node gets a replica back only when other replicas of the queue are well.
	ReplicaPostponed RefusalKind = "replica-postponed"
	// QueueMinority is a notice: most replicas of a queue are away.
	QueueMinority RefusalKind = "queue-minority"
)

// Text says what is refused, why, and what to do. It is plain text in one paragraph; nothing in it harms a
// terminal, and its commands can be pasted.
func (r Refusal) Text() string {
	render, known := texts[r.Kind]
	if !known {
		return fmt.Sprintf("%s: %s %s", r.Kind, list(r.Nodes), queueList(r.Queues))
	}
	return render(r)
}

// containers are the names of the nodes' containers.
func (r Refusal) containers() []string {
	stack := &topology.Cluster{Stack: r.Stack}
	containers := make([]string, len(r.Nodes))
	for i, n := range r.Nodes {
		containers[i] = stack.ContainerName(topology.Node{Name: n.host()})
	}
	return containers
}

var texts = map[RefusalKind]func(Refusal) string{
	ClusterMinority: func(r Refusal) string {
		return fmt.Sprintf("No node can leave the cluster: most of its members must run for that, and %s %s not. "+
			"Start %s first.",
			list(r.Nodes), plural(len(r.Nodes), "does", "do"), plural(len(r.Nodes), "it", "them"))
	},
	NobodyToAsk: func(r Refusal) string {
		return fmt.Sprintf("%s can't leave: no cluster with a majority runs that could say what they alone have. "+
			"Give the stack its nodes back and let it start; then let them leave.", list(r.Nodes))
	},
	LastOfMnesia: func(r Refusal) string {
		return fmt.Sprintf("%s can't be the last node of this cluster: with Mnesia, the last but one pauses when "+
			"the other stops, and can't forget it. Keep two nodes or more, or upgrade to a series with Khepri first.",
			list(r.Nodes))
	},
	QueueMinorityLeaves: func(r Refusal) string {
		return fmt.Sprintf("%s can't leave: it has a replica of %s, of which most replicas are not online, so "+
			"that its messages can't be copied. Bring back what is missing (%s), or give the stack its node back.",
			r.first(), queueList(r.Queues), list(r.Nodes[1:]))
	},
	QueueMinorityRejoins: func(r Refusal) string {
		return fmt.Sprintf("%s has lost its data and can't join again: it is a voter of %s, of which most "+
			"replicas are not online. Start RabbitMQ on what else is missing (%s). If those data are lost, too, the "+
			"messages are lost with them; then delete what can't be saved:%s", r.first(), queueList(r.Queues),
			list(r.Nodes[1:]), r.deletions())
	},
	HalfDeletedLeaves: func(r Refusal) string {
		return fmt.Sprintf("%s can't leave: %s %s half deleted, and nobody leads %s. If the deletion was meant, "+
			"finish it:%s",
			list(r.Nodes), queueList(r.Queues), plural(len(r.Queues), "is", "are"), plural(len(r.Queues), "it",
				"them"), r.deletions())
	},
	DurableQueues: func(r Refusal) string {
		return fmt.Sprintf("%s can't leave: it alone has %s, and Warren neither moves nor deletes durable "+
			"queues. Move %s, or delete what nobody needs, which these commands only do if it is empty and unused:%s",
			list(r.Nodes), queueList(r.Queues), plural(len(r.Queues), "it", "them"), r.deletions("--if-empty",
				"--if-unused"))
	},
	DurableQueuesDown: func(r Refusal) string {
		return fmt.Sprintf("%s can't leave: it alone has %s, and it is down, so that nobody knows what is in %s. "+
			"Start it, or give the stack its node back. Only if its data are lost for good, give up what was "+
			"on it: %s",
			list(r.Nodes), queueList(r.Queues), plural(len(r.Queues), "it", "them"), r.command("forget_cluster_node",
				string(r.first())))
	},
	ForeignData: func(r Refusal) string {
		return fmt.Sprintf("%s has data of another cluster than the one that runs, and they may be the only copy "+
			"of something, so that they are left alone. It comes up if these are all there was of that cluster. "+
			"Otherwise, to make it a member, first save its volume elsewhere, or make sure that nothing in it is "+
			"needed; then remove its container and its volume, and run `pulumi up`.", list(r.Nodes))
	},
	OtherCluster: func(r Refusal) string {
		return fmt.Sprintf("%s is in another cluster, together with other nodes. Find out which cluster has the "+
			"data that you need. Resetting a node deletes what is on it, so that Warren does not do it here.",
			list(r.Nodes))
	},
	OwnQueues: func(r Refusal) string {
		return fmt.Sprintf("%s is a cluster of its own and has queues, which it would lose by joining the "+
			"others. Move or delete them first; %s shows them.", list(r.Nodes),
			commandOn(r.first(), "list_queues", "name", "messages"))
	},
	FoundingOverData: func(r Refusal) string {
		return fmt.Sprintf("Of the stack's nodes only %s %s data, and %s not serve; without %s the others would "+
			"be a new, empty cluster. Bring the missing volumes back. If they are lost for good, save what is left, "+
			"start %s by hand and follow RabbitMQ's guide to recover from the loss of a majority; `pulumi up` goes "+
			"on once it serves.",
			list(r.Nodes), plural(len(r.Nodes), "has", "have"), plural(len(r.Nodes), "does", "do"),
			plural(len(r.Nodes), "it", "them"),
			list(r.Nodes))
	},
	NothingKept: func(r Refusal) string {
		return fmt.Sprintf("The stack would keep none of the nodes that have its data: %s. Keep at least one of "+
			"them in warren:nodes until the others are members; replace it in the next step. To delete everything, "+
			"destroy the stack.", list(r.Nodes))
	},
	LastDisc: func(r Refusal) string {
		return fmt.Sprintf("%s can't become %s: no disc node that is a member now would stay one, and only disc "+
			"nodes keep the cluster's metadata. Add disc nodes, or make others disc nodes, in a step before.",
			list(r.Nodes), plural(len(r.Nodes), "a RAM node", "RAM nodes"))
	},
	DistributionChange: func(r Refusal) string {
		how := "in plain text"
		if r.To == topology.DistributionTLS {
			how = "over TLS"
		}
		return fmt.Sprintf(`%s would talk to other nodes %s from now on. A node that does can't talk to one that does not, so that this can't
roll. Either set warren:tls, warren:tlsInterNode and warren:hosts so that it stays as it is; or stop all nodes at the
same time, which keeps their data and what clients wait to have confirmed, and run pulumi up again, which starts them
together:
    docker stop %s`, list(r.Nodes), how, strings.Join(r.containers(), " "))
	},
	CookieChange: func(r Refusal) string {
		containers := r.containers()
		return fmt.Sprintf(`%s would get another Erlang cookie. Nodes with different cookies do not talk to each other, so that this can't roll. Either
- go back to the state that the stack was created with, or to the warren:erlangCookie that was set; of a stack from
  before states kept the cookie, to its passphrase: another clone of the project has another one; or
- keep the nodes' cookie:
    docker cp %s:%s - | tar -xO | pulumi config set --secret warren:erlangCookie --stack %s
- or, for a new cookie, remove the containers of all nodes, which leaves the data on their volumes. pulumi up starts
  them together:
    docker rm -f %s`,
			list(r.Nodes), containers[0], topology.CookiePath, r.Stack, strings.Join(containers, " "))
	},
	ForeignStack: func(r Refusal) string {
		return fmt.Sprintf("What there is of %s was made from another state of this stack (%s; this one is %s): "+
			"another clone, another backend, or a state that was lost. Nothing of it is touched. Deploy from there, "+
			"import its state, or choose another name for this stack.", list(r.Nodes), printed(r.From), printed(r.To))
	},
	Downgrade: func(r Refusal) string {
		return fmt.Sprintf("RabbitMQ %s wrote the data of %s, and the image is %s, which can't take over the "+
			"data of a newer series. Set warren:image to %s or newer, or destroy the stack first.", r.From,
			list(r.Nodes), r.To, r.From)
	},
	UpgradeSkips: func(r Refusal) string {
		return fmt.Sprintf("RabbitMQ %s wrote the data of %s, and the image is %s, to which RabbitMQ supports no "+
			"upgrade in one step: %s.",
			r.From, list(r.Nodes), r.To, r.path())
	},
	FlagsDisabled: func(r Refusal) string {
		return fmt.Sprintf("RabbitMQ %s starts only on data whose stable feature flags are all enabled, and some "+
			"are not. Enable them first, by `pulumi up` with the image of %s, or by %s.", r.To, r.From,
			r.command("enable_feature_flag", "all"))
	},
	ChangeWhileAway: func(r Refusal) string {
		return fmt.Sprintf("%s would be restarted with other settings, and the cluster can't do without %s while "+
			"a host is away: a queue or the metadata store would be left with a bare majority or less. Bring the "+
			"host back, replace it in warren:hosts, or take the change back. Nothing was touched.",
			list(r.Nodes), plural(len(r.Nodes), "it", "any of them"))
	},
	DurableQueuesStay: func(r Refusal) string {
		return fmt.Sprintf("%s can't go to another host: it alone has %s, and its data would be deleted with its "+
			"old container. Move %s, or delete what nobody needs, which these commands only do if it is empty and "+
			"unused:%s",
			list(r.Nodes), queueList(r.Queues), plural(len(r.Queues), "it", "them"), r.deletions("--if-empty",
				"--if-unused"))
	},
	HalfDeleted: func(r Refusal) string {
		return fmt.Sprintf("The deletion of %s was interrupted: all its nodes run, and none of its replicas "+
			"does. Nothing waits for it. If the deletion was meant, finish it:%s", queueList(r.Queues), r.deletions())
	},
	ReplicaPostponed: func(r Refusal) string {
		return fmt.Sprintf("%s gets its replica of %s back when the queue's other replicas are well. It is "+
			"remembered until then.",
			list(r.Nodes), queueList(r.Queues))
	},
	QueueMinority: func(r Refusal) string {
		return fmt.Sprintf("Most replicas of %s are not online (%s), so that it takes no messages and its "+
			"replicas can't be changed. Nothing waits for it.", queueList(r.Queues), list(r.Nodes))
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
		b.WriteString("\n  " + r.command(append(args, "--", q.Name)...)) // what follows "--" is no option
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
