package health

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"warren/operate/cluster"
)

func (s Status) checkQueues(problems *problemList) {
	if s.QueuesError != "" {
		problems.add(QueuesUnknown, Failure, "", "the queues are not known: %s", s.QueuesError)
		return
	}
	running := s.running()
	led := map[string]int{}
	quorum := 0
	for i := range s.Queues {
		queue := &s.Queues[i]
		switch {
		case queue.Replicated():
			s.checkReplicas(problems, queue, running)
		case queue.Down():
			problems.ofQueue(QueueDown, Failure, queue, "is %s; it lives on %s alone", queue.State,
				join(queue.Members))
		case queue.Type == cluster.Classic && len(s.Nodes) > 1:
			problems.ofQueue(NotReplicated, Warning, queue, "a classic queue, which lives on %s alone",
				join(queue.Members))
		}
		if queue.Type == cluster.Quorum {
			quorum++
			led[queue.Leader]++
		}
	}
	s.checkSpread(problems, quorum, led)
}

func (l *problemList) ofQueue(
	kind Kind, severity Severity, queue *cluster.Queue, format string, args ...any,
) {
	*l = append(*l, Problem{
		Kind: kind, Severity: severity, Subject: queue.String(), Queue: queue.ID(),
		Detail: fmt.Sprintf(format, args...),
	})
}

// running are the nodes (Erlang names) that some node sees running.
func (s Status) running() map[string]bool {
	running := map[string]bool{}
	for _, node := range s.Nodes {
		for _, name := range node.Running {
			running[name] = true
		}
	}
	return running
}

// checkReplicas checks the replicas of a quorum queue or stream.
func (s Status) checkReplicas(problems *problemList, queue *cluster.Queue, running map[string]bool) {
	if halfDeleted(queue, running) {
		problems.ofQueue(QueueHalfDeleted, Failure, queue,
			"is half deleted: its record names replicas on %s, all of which run, and no replica does",
			join(queue.Members))
		return
	}
	if queue.Leader == "" || !slices.Contains(queue.Online, queue.Leader) {
		problems.ofQueue(QueueNoLeader, Failure, queue, "has no leader; its members are %s, of which %s take part",
			join(queue.Members), join(queue.Online))
	}
	if offline := without(queue.Members, queue.Online); len(offline) > 0 {
		problems.ofQueue(ReplicaOffline, Failure, queue, "its replicas on %s do not take part", join(offline))
	}
	if len(queue.NonVoters) > 0 {
		problems.ofQueue(ReplicaNotVoting, Warning, queue, "its replicas on %s do not vote yet",
			join(queue.NonVoters))
	}
	if len(queue.Behind) > 0 {
		var lag []string
		for _, node := range slices.Sorted(maps.Keys(queue.Behind)) {
			lag = append(lag, fmt.Sprintf("%s lacks %d", join([]string{node}), queue.Behind[node]))
		}
		problems.ofQueue(ReplicaBehind, Warning, queue, "its replicas have not caught up: %s of the log's entries",
			strings.Join(lag, ", "))
	}
	if lacking := queue.Lacks(len(s.Nodes)); lacking > 0 {
		problems.ofQueue(TooFewReplicas, Failure, queue, "has %d of %d replicas, on %s",
			len(queue.Members), len(queue.Members)+lacking, join(queue.Members))
	}
}

// halfDeleted tells whether a queue is there by name only: all its nodes run, and no replica does. An
// interrupted deletion leaves such a queue.
func halfDeleted(queue *cluster.Queue, running map[string]bool) bool {
	return queue.Leader == "" && len(queue.Online) == 0 && len(queue.Members) > 0 &&
		!slices.ContainsFunc(queue.Members, func(member string) bool { return !running[member] })
}

// checkSpread warns when a node leads more queues than it would if leaders were spread evenly, give or take
// one.
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
