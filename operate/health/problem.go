// Package health tells what state a cluster is in and what is wrong with that, and waits until nothing is.
package health

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"warren/operate/cluster"
)

// Kind says what is wrong.
type Kind string

// What can be wrong with a cluster. The comments name the problem's subject.
const (
	NodeMissing         Kind = "node-missing"           // node: its container does not exist
	NodeDown            Kind = "node-down"              // node: its container does not run
	NodePaused          Kind = "node-paused"            // node: its container is frozen
	NodeBooting         Kind = "node-not-up"            // node: container runs, no Erlang node yet
	AppStopped          Kind = "app-stopped"            // node: the Erlang node runs without RabbitMQ
	ManagementSilent    Kind = "management-silent"      // node: RabbitMQ runs, its management API gives no answer
	AMQPSilent          Kind = "amqp-silent"            // node: RabbitMQ runs and does not listen for AMQP clients
	NodeDrained         Kind = "node-drained"           // node: in maintenance mode
	WrongType           Kind = "wrong-type"             // node: disc instead of RAM, or the reverse
	MembershipDiffers   Kind = "membership-differs"     // node: does not count others of the stack as members
	Stranger            Kind = "stranger"               // Erlang name of a member that is not in the stack
	Partition           Kind = "partition"              // node: runs, and cannot see others that run
	MemoryAlarm         Kind = "memory-alarm"           // node
	DiskAlarm           Kind = "disk-alarm"             // node
	CookieMismatch      Kind = "cookie-mismatch"        // node: cookie differs from that of most
	CookieUnreadable    Kind = "cookie-unreadable"      // node
	VersionMismatch     Kind = "version-mismatch"       // node: version differs from that of most
	FeatureFlagMismatch Kind = "feature-flag-mismatch"  // node: flags differ from those of most
	QueuesUnknown       Kind = "queues-unknown"         // no subject
	QueueNoLeader       Kind = "queue-without-leader"   // queue
	ReplicaOffline      Kind = "replica-offline"        // queue: a replica does not take part
	TooFewReplicas      Kind = "too-few-replicas"       // queue: has fewer replicas than it should
	NotReplicated       Kind = "not-replicated"         // queue: of a type that lives on one node
	LeadersNotSpread    Kind = "leaders-not-spread"     // node: leads more than its share
	LoadBalancerDown    Kind = "load-balancer-down"     // load balancer's container
	ServerDown          Kind = "server-down"            // node: serves, and the load balancer shuns it
	ServerWronglyUp     Kind = "server-wrongly-up"      // node: does not serve, and the load balancer uses it
	ServerMissing       Kind = "server-missing"         // node: the load balancer does not know it
	NotSpread           Kind = "connections-not-spread" // node: gets no connections from the load balancer
)

// Kinds returns all that can be wrong with a cluster.
func Kinds() []Kind {
	return []Kind{
		NodeMissing, NodeDown, NodePaused, NodeBooting, AppStopped, ManagementSilent, AMQPSilent,
		NodeDrained, WrongType, MembershipDiffers, Stranger, Partition, MemoryAlarm, DiskAlarm, CookieMismatch,
		CookieUnreadable, VersionMismatch, FeatureFlagMismatch, QueuesUnknown, QueueNoLeader,
		ReplicaOffline, TooFewReplicas, NotReplicated, LeadersNotSpread, LoadBalancerDown, ServerDown,
		ServerWronglyUp, ServerMissing, NotSpread,
	}
}

// Severity says how much a problem matters.
type Severity string

const (
	// Failure means that the cluster is not as it should be.
	Failure Severity = "failure"
	// Warning means that it works as it is and could do better.
	Warning Severity = "warning"
)

// Problem is something that is wrong with a cluster.
type Problem struct {
	Kind     Kind     `json:"kind"`
	Severity Severity `json:"severity"`
	// Subject is the node, queue ("vhost name" if the vhost is not "/") or container it is wrong with.
	Subject string `json:"subject"`
	// Detail says what was seen.
	Detail string `json:"detail"`
}

// String is one line for people.
func (p Problem) String() string {
	if p.Subject == "" {
		return p.Detail
	}
	return p.Subject + ": " + p.Detail
}

// Healthy tells whether nothing is wrong that matters; warnings do not count.
func (s Status) Healthy() bool {
	return !slices.ContainsFunc(s.Problems(), func(p Problem) bool { return p.Severity == Failure })
}

// Problems returns all that is wrong, nodes first.
func (s Status) Problems() []Problem {
	var problems problemList
	for _, node := range s.Nodes {
		s.checkNode(&problems, node)
	}
	s.checkStrangers(&problems)
	s.checkAlike(&problems)
	s.checkQueues(&problems)
	s.checkLoadBalancer(&problems)
	s.checkConnections(&problems)
	return problems
}

type problemList []Problem

func (l *problemList) add(kind Kind, severity Severity, subject, format string, args ...any) {
	*l = append(*l, Problem{kind, severity, subject, fmt.Sprintf(format, args...)})
}

func (s Status) checkNode(problems *problemList, node NodeStatus) {
	fail := func(kind Kind, format string, args ...any) { problems.add(kind, Failure, node.Name, format, args...) }
	switch {
	case node.State == cluster.StateMissing:
		fail(NodeMissing, "container %s does not exist", node.Container)
		return
	case node.State == "paused":
		fail(NodePaused, "container %s is paused", node.Container)
		return
	case node.State != stateRunning:
		fail(NodeDown, "container %s is %s", node.Container, node.State)
		return
	case !node.Answers() && !node.Runtime:
		fail(NodeBooting, "the container runs, and no Erlang node in it accepts connections: it is starting, or cannot start")
		return
	case !node.Answers() && !node.AMQP && node.Drained:
		fail(NodeDrained, "is drained for maintenance")
		return
	case !node.Answers() && !node.AMQP:
		fail(AppStopped, "the Erlang node runs, and RabbitMQ on it does not: starting, stopped, or waiting for its peers")
		return
	case !node.Answers():
		fail(ManagementSilent, "the management API gives no answer: %s", node.Error)
		return
	}
	if !node.AMQP {
		fail(AMQPSilent, "RabbitMQ runs, and does not listen for AMQP clients")
	}
	if node.Drained {
		fail(NodeDrained, "is drained for maintenance")
	}
	if node.ActualType != node.Type {
		fail(WrongType, "is a %s node and should be a %s node", node.ActualType, node.Type)
	}
	if node.MemoryAlarm {
		fail(MemoryAlarm, "uses %s of memory and may use %s: publishers are blocked in the whole cluster",
			Bytes(node.MemoryUsed), Bytes(node.MemoryLimit))
	}
	if node.DiskAlarm {
		fail(DiskAlarm, "has %s of disk free and must have %s: publishers are blocked in the whole cluster",
			Bytes(node.DiskFree), Bytes(node.DiskFreeLimit))
	}
	s.checkView(fail, node)
}

// checkView compares what a node knows of its peers with what they are.
func (s Status) checkView(fail func(Kind, string, ...any), node NodeStatus) {
	var unknown, unseen []string
	for _, peer := range s.Nodes {
		switch {
		case !slices.Contains(node.Members, peer.NodeName):
			unknown = append(unknown, peer.Name)
		case !node.Sees(peer) && peer.Answers():
			unseen = append(unseen, peer.Name)
		}
	}
	if len(unknown) > 0 {
		fail(MembershipDiffers, "does not count %s as a member of its cluster", join(unknown))
	}
	if len(unseen) > 0 {
		fail(Partition, "does not see %s running, and should", join(unseen))
	}
	if len(node.Partitions) > 0 {
		fail(Partition, "has recorded a partition from %s", join(node.Partitions))
	}
}

// checkStrangers finds members of the cluster that are not in the stack.
func (s Status) checkStrangers(problems *problemList) {
	countedBy := map[string][]string{}
	for _, node := range s.Nodes {
		for _, member := range node.Members {
			if !slices.ContainsFunc(s.Nodes, func(n NodeStatus) bool { return n.NodeName == member }) {
				countedBy[member] = append(countedBy[member], node.Name)
			}
		}
	}
	for _, member := range slices.Sorted(maps.Keys(countedBy)) {
		problems.add(Stranger, Failure, member, "is not in the stack, and is a member of the cluster for %s", join(countedBy[member]))
	}
}

// checkAlike compares what must be the same on all nodes.
func (s Status) checkAlike(problems *problemList) {
	odd := func(kind Kind, what string, show bool, value func(NodeStatus) string) {
		common := mostCommon(s.Nodes, value)
		for _, node := range s.Nodes {
			switch got := value(node); {
			case got == "" || got == common:
			case show:
				problems.add(kind, Failure, node.Name, "its %s is %s, that of other nodes %s", what, got, common)
			default:
				problems.add(kind, Failure, node.Name, "its %s is not that of the other nodes", what)
			}
		}
	}
	odd(CookieMismatch, "Erlang cookie", false, func(n NodeStatus) string { return n.CookieDigest })
	odd(VersionMismatch, "RabbitMQ version", true, func(n NodeStatus) string { return n.Version })
	odd(VersionMismatch, "Erlang version", true, func(n NodeStatus) string { return n.ErlangVersion })
	for _, node := range s.Nodes {
		if node.State == stateRunning && node.CookieDigest == "" {
			problems.add(CookieUnreadable, Failure, node.Name, "its Erlang cookie cannot be read")
		}
	}

	flags := func(n NodeStatus) string { return strings.Join(n.FeatureFlags, ",") }
	common := strings.Split(mostCommon(s.Nodes, flags), ",")
	for _, node := range s.Nodes {
		if len(node.FeatureFlags) == 0 {
			continue
		}
		lacks, adds := without(common, node.FeatureFlags), without(node.FeatureFlags, common)
		if len(lacks) > 0 {
			problems.add(FeatureFlagMismatch, Failure, node.Name, "lacks the feature flags %s, which others have enabled", join(lacks))
		}
		if len(adds) > 0 {
			problems.add(FeatureFlagMismatch, Failure, node.Name, "has the feature flags %s enabled, which others lack", join(adds))
		}
	}
}

// mostCommon returns the value that most nodes have, leaving out those where it is not known; of several, that of
// the node that comes first.
func mostCommon(nodes []NodeStatus, value func(NodeStatus) string) string {
	count := map[string]int{}
	for _, node := range nodes {
		count[value(node)]++
	}
	var common string
	for _, node := range nodes {
		if v := value(node); v != "" && (common == "" || count[v] > count[common]) {
			common = v
		}
	}
	return common
}

func (s Status) checkQueues(problems *problemList) {
	if s.QueuesError != "" {
		problems.add(QueuesUnknown, Failure, "", "the queues are not known: %s", s.QueuesError)
		return
	}
	led := map[string]int{}
	replicated := 0
	for _, queue := range s.Queues {
		subject := queue.String()
		if queue.Type != "quorum" {
			if queue.Type == "classic" && len(s.Nodes) > 1 {
				problems.add(NotReplicated, Warning, subject, "a classic queue, which lives on %s alone", join(queue.Members))
			}
			continue
		}
		replicated++
		led[queue.Leader]++
		if queue.Leader == "" || !slices.Contains(queue.Online, queue.Leader) {
			problems.add(QueueNoLeader, Failure, subject, "has no leader; its members are %s, of which %s take part",
				join(queue.Members), join(queue.Online))
		}
		if offline := without(queue.Members, queue.Online); len(offline) > 0 {
			problems.add(ReplicaOffline, Failure, subject, "its replicas on %s do not take part", join(offline))
		}
		if lacking := queue.Lacks(len(s.Nodes)); lacking > 0 {
			problems.add(TooFewReplicas, Failure, subject, "has %d of %d replicas, on %s",
				len(queue.Members), len(queue.Members)+lacking, join(queue.Members))
		}
	}
	s.checkSpread(problems, replicated, led)
}

// checkSpread warns when a node leads more queues than it would if leaders were spread evenly, give or take one.
func (s Status) checkSpread(problems *problemList, queues int, led map[string]int) {
	if len(s.Nodes) == 0 {
		return
	}
	share := (queues + len(s.Nodes) - 1) / len(s.Nodes)
	for _, node := range s.Nodes {
		if led[node.NodeName] > share+1 {
			problems.add(LeadersNotSpread, Warning, node.Name, "leads %d of %d quorum queues; an even share is %d",
				led[node.NodeName], queues, share)
		}
	}
}

func (s Status) checkLoadBalancer(problems *problemList) {
	balancer := s.LoadBalancer
	if balancer.Error != "" {
		problems.add(LoadBalancerDown, Failure, balancer.Container, "%s", balancer.Error)
		return
	}
	proxies := map[string]bool{}
	for _, server := range balancer.Servers {
		proxies[server.Proxy] = true
	}
	for _, node := range s.Nodes {
		for _, proxy := range slices.Sorted(maps.Keys(proxies)) {
			i := slices.IndexFunc(balancer.Servers, func(server cluster.Server) bool {
				return server.Proxy == proxy && server.Name == node.Name
			})
			if i < 0 {
				problems.add(ServerMissing, Failure, node.Name, "the load balancer's %s does not know it", proxy)
				continue
			}
			server := balancer.Servers[i]
			serves := node.AMQP
			if server.Mode == "http" {
				serves = node.Answers()
			}
			if node.AMQP && !s.inMajority(node) {
				continue // it may be kept from clients for that; the partition is a problem of its own
			}
			switch {
			case serves && !server.Up():
				problems.add(ServerDown, Failure, node.Name, "serves, and the load balancer's %s holds it for %s (%s)",
					proxy, server.Status, server.Check)
			case !serves && server.Up():
				problems.add(ServerWronglyUp, Failure, node.Name, "does not serve, and the load balancer's %s holds it for %s (%s)",
					proxy, server.Status, server.Check)
			}
		}
	}
}

// inMajority tells whether a node is known to see more than half of the nodes running.
func (s Status) inMajority(node NodeStatus) bool { return len(node.Running) > len(s.Nodes)/2 }

// join lists node names for people: the "rabbit@" that all share is noise.
func join(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = strings.TrimPrefix(name, "rabbit@")
	}
	return strings.Join(short, ", ")
}

// without returns the elements of a that b lacks.
func without(a, b []string) []string {
	var rest []string
	for _, element := range a {
		if element != "" && !slices.Contains(b, element) {
			rest = append(rest, element)
		}
	}
	return rest
}

// Bytes is an amount of memory or disk for people, in binary units.
func Bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, exponent := float64(n)/unit, 0
	for value >= unit && exponent < len("KMGTPE")-1 {
		value /= unit
		exponent++
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTPE"[exponent])
}
