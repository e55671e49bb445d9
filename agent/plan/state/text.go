package state

import (
	"fmt"
	"strconv"
	"strings"
)

// printed is a name in a text: as it is, or quoted if it is more than a word.
func printed(name string) string {
	if plainWord.MatchString(name) {
		return name
	}
	return strconv.Quote(name)
}

// String prints the name of the node.
func (n NodeName) String() string { return printed(string(n)) }

// String says what the condition is, as what is waited for.
func (c Condition) String() string {
	format, known := conditionTexts[c.Predicate]
	if !known {
		return string(c.Predicate)
	}
	return strings.NewReplacer("{node}", c.Node.String(), "{queue}", c.Queue.String()).Replace(format)
}

var conditionTexts = map[Predicate]string{
	Serves:      "{node} serves clients",
	Runs:        "RabbitMQ runs on {node}",
	NotRunning:  "RabbitMQ does not run on {node}",
	Stopped:     "RabbitMQ does not run on {node}",
	Drained:     "{node} is in maintenance mode",
	NotStopping: "{node} is not being stopped",
	DataSeen:    "it is known whether {node} has data",
	HasNoData:   "{node} has no data",
	Listed:      "all queues, and what the cluster remembers, can be listed",
	IsMember:    "{node} is a member of the cluster",
	IsNoMember:  "{node} is no member of the cluster",
	Leaves:      "{node} is none of the stack's nodes",

	ClusterServes:        "a cluster runs, with most of its members",
	KeepsMajority:        "every queue and the metadata store have a majority without {node}",
	ClusterKeepsMajority: "most members run without {node}",
	QueueKeepsMajority:   "{queue} has a majority without its replica on {node}",
	QueuesKeepMajority:   "all queues have a majority without their replicas on {node}",
	QueueCanGrow:         "{queue} has a majority that a new replica does not take away",
	NoVoter:              "no queue counts on a replica on {node}, which has lost its data",

	NoAlarm:          "a node that could take a replica of {queue} has no resource alarm",
	QueueSettled:     "{queue} has a leader, and all its replicas vote",
	ReplicaCaughtUp:  "the replica of {queue} on {node} has caught up and votes",
	ReplicaUnneeded:  "the replica of {queue} on {node} is lost, or its node leaves",
	QueueKeepsWanted: "{queue} has as many caught-up replicas as wanted without the one on {node}",
	QueuesKeepWanted: "all queues have as many caught-up replicas as wanted without those on {node}",

	NothingDurable: "no durable queue lives on {node} alone",
	NoReplicas:     "no queue has a replica on {node}",
	NothingOwn:     "{node} is alone in a cluster without queues",
	OthersServe:    "all other members serve",

	NoDataElsewhere: "all other seeds say that they have no data, and no node has some",
	FoundingAllowed: "the stack had no data when the container of {node} was created",
	DataOfCluster:   "the data of {node} are those of a former member of the running cluster",
	TypeFits:        "{node} is of the type that it is to have",
	OtherDiscServes: "another disc node serves",

	ReplicasRemembered: "the cluster remembers all replicas of {node}",
	ReplicaRemembered:  "the cluster remembers the replica of {queue} on {node}",
	NothingForgotten:   "{node} has back what is not to be remembered of it any more",

	OneVersion: "all members run the same version",
	SeriesFits: "the image can take over the data of {node}",
	Owned:      "the volume of {node} was made from this stack's state",
	LetGo:      "the cluster has let {node} go, or the stack is being destroyed",
}

// String says what the action does.
func (a Action) String() string {
	node := a.Node.String()
	switch a.Verb {
	case StartNode:
		return "start " + node
	case FoundCluster:
		return "start " + node + ", which may found the cluster"
	case SetDataAside:
		return "set the data of " + node + " aside: its cluster let it go, and it joins as a new member"
	case StopNode:
		return "stop " + node
	case RestartNode:
		return "restart " + node
	case TransferLeadership:
		return fmt.Sprintf("make %s the leader of %s instead of %s", a.Target, a.Queue, node)
	case DrainNode:
		return "drain " + node
	case ReviveNode:
		return "put " + node + " back into service"
	case StartApp:
		return "start RabbitMQ on " + node
	case StopApp:
		return "stop RabbitMQ on " + node
	case ResetNode:
		return "reset " + node
	case ChangeType:
		return fmt.Sprintf("make %s a %s node", node, a.Type)
	case RememberReplicas:
		if len(a.Queues) == 0 {
			return "drop what is remembered of " + node
		}
		return fmt.Sprintf("remember that %s is to get %d %s back", node, len(a.Queues),
			plural(len(a.Queues), "replica", "replicas"))
	case AddReplica:
		return fmt.Sprintf("add a replica of %s on %s", a.Queue, node)
	case RemoveReplica:
		return fmt.Sprintf("remove the replica of %s on %s", a.Queue, node)
	case ForgetNode:
		return "remove " + node + " from the cluster"
	case EnableFlags:
		return "enable the stable feature flags"
	case DeleteUser:
		return "delete user " + printed(a.User) + ", whom an earlier configuration named"
	case ChangeNodes:
		return "change " + list(a.Nodes) + plural(len(a.Nodes), "", " together")
	case AbandonFormation:
		return "end the formation of an earlier deployment"
	case FormCluster:
		return "make the cluster consist of the stack's nodes"
	case DeleteNode:
		return "delete the container and the volume of " + node
	default:
		return string(a.Verb)
	}
}
