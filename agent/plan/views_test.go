package plan_test

import (
	"fmt"

	"warren/agent/plan"
	"warren/topology"
)

func rabbit(n int) plan.NodeName { return plan.NodeName(fmt.Sprintf("rabbit@rabbit%d", n)) }

// serving is a cluster of so many nodes, all of which serve.
func serving(size int, queues ...plan.Queue) *plan.View {
	v := &plan.View{ClusterID: "cluster", Queues: queues, QueuesKnown: true, LostKnown: true}
	v.Metadata = plan.Metadata{Store: plan.Khepri, Group: plan.Group{Leader: rabbit(1)}}
	for i := range size {
		v.Nodes = append(v.Nodes, plan.Node{
			Name: rabbit(i + 1), State: plan.Serving, Member: plan.Known(true), ClusterID: plan.Known("cluster"),
			Data: plan.Known(true), Version: plan.Known("4.3.6"), Alone: plan.Known(size == 1),
			Type:      plan.Known(topology.Disc),
			Container: plan.Known(true), Cookie: plan.Known("cookie"), Owner: plan.Known("state"),
			Deployed: plan.Known(true),
		})
		v.Metadata.Group.Replicas = append(v.Metadata.Group.Replicas, voter(i+1))
	}
	return v
}

// in puts a node into a state, and its replicas offline if it does not run.
func in(v *plan.View, state plan.NodeState, numbers ...int) *plan.View {
	for _, number := range numbers {
		n := nodeOf(v, number)
		n.State = state
		if n.Running() {
			continue
		}
		offline(v.Metadata.Group.Replicas, number)
		for i := range v.Queues {
			offline(v.Queues[i].Replicas, number)
			if v.Queues[i].Leader == rabbit(number) {
				v.Queues[i].Leader = ""
			}
		}
	}
	return v
}

func offline(replicas []plan.Replica, number int) {
	for i := range replicas {
		if r := &replicas[i]; r.Node == rabbit(number) {
			r.Online, r.CaughtUp = plan.Known(false), plan.Maybe[bool]{}
		}
	}
}

func nodeOf(v *plan.View, number int) *plan.Node {
	for i := range v.Nodes {
		if v.Nodes[i].Name == rabbit(number) {
			return &v.Nodes[i]
		}
	}
	panic(number)
}

// emptied takes nodes' containers and volumes.
func emptied(v *plan.View, numbers ...int) *plan.View {
	in(v, plan.Down, numbers...)
	for _, number := range numbers {
		n := nodeOf(v, number)
		n.Data, n.Container, n.ClusterID, n.Version = plan.Known(false), plan.Known(false), plan.Maybe[string]{},
			plan.Maybe[string]{}
		n.Cookie, n.Owner = plan.Maybe[string]{}, plan.Maybe[string]{}
	}
	return v
}

func voter(number int) plan.Replica {
	return plan.Replica{Node: rabbit(number), Online: plan.Known(true), Voter: plan.Known(true),
		CaughtUp: plan.Known(true)}
}

func promotable(number int) plan.Replica {
	r := voter(number)
	r.Voter, r.CaughtUp = plan.Known(false), plan.Known(false)
	return r
}

func id(name string) plan.QueueID { return plan.QueueID{VHost: "/", Name: name} }

// quorum is a quorum queue, all of whose replicas are well.
func quorum(name string, numbers ...int) plan.Queue {
	q := plan.Queue{QueueID: id(name), Type: plan.Quorum, Durable: true, Messages: plan.Known(7)}
	q.Leader = rabbit(numbers[0])
	for _, n := range numbers {
		q.Replicas = append(q.Replicas, voter(n))
	}
	return q
}

// halfDeleted is a queue whose deletion was interrupted.
func halfDeleted(name string, numbers ...int) plan.Queue {
	q := quorum(name, numbers...)
	q.Leader, q.Messages = "", plan.Maybe[int]{}
	for _, n := range numbers {
		offline(q.Replicas, n)
	}
	return q
}

// classic is a durable classic queue.
func classic(name string, number, messages int) plan.Queue {
	q := plan.Queue{QueueID: id(name), Type: plan.Classic, Durable: true, Messages: plan.Known(messages),
		Consumers: plan.Known(1)}
	q.Leader = rabbit(number)
	q.Replicas = []plan.Replica{voter(number)}
	return q
}

// wanted is a stack of nodes.
func wanted(scope plan.Scope, numbers ...int) plan.Desired {
	d := plan.Desired{Scope: scope, Series: topology.Series{Major: 4, Minor: 3}, Cookie: "cookie",
		Owner: "state", Stack: "dev"}
	for i, n := range numbers {
		d.Nodes = append(d.Nodes, plan.DesiredNode{Name: rabbit(n), Type: topology.Disc, Seed: i < 3})
	}
	return d
}

func of(d plan.Desired, number int) plan.Desired {
	d.Self = rabbit(number)
	return d
}

// verbs are the actions of a decision, in a word or two each.
func verbs(d plan.Decision) []string {
	var words []string
	for _, a := range d.Actions {
		word := string(a.Verb)
		for _, n := range append(a.Nodes, a.Node) {
			if n != "" {
				word += " " + string(n[len("rabbit@rabbit"):])
			}
		}
		if a.Queue.Name != "" {
			word += " " + a.Queue.Name
		}
		words = append(words, word)
	}
	return words
}

func refusals(refused []plan.Refusal) []plan.RefusalKind {
	var kinds []plan.RefusalKind
	for _, r := range refused {
		kinds = append(kinds, r.Kind)
	}
	return kinds
}

func waits(d plan.Decision) []string {
	var texts []string
	for _, c := range d.Waiting {
		texts = append(texts, c.String())
	}
	return texts
}
