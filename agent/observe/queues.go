package observe

import (
	"context"
	"slices"
	"strings"

	"warren/agent/plan"
	"warren/agent/rabbit"
)

// readCluster fills in what a running member says of its cluster.
func (o *Observer) readCluster(ctx context.Context, source plan.NodeName, view *plan.View) {
	node := string(source)
	if alarms, err := o.rabbit.Alarms(ctx, node); err == nil {
		for i, n := range view.Nodes {
			view.Nodes[i].Alarms = alarms[string(n.Name)]
		}
	}
	if flags, err := o.rabbit.FeatureFlags(ctx, node); err == nil {
		for _, f := range flags {
			view.Flags = append(view.Flags, plan.FeatureFlag{
				Name: f.Name, Enabled: f.State != "disabled", Stable: f.Stability != "experimental",
			})
		}
		slices.SortFunc(view.Flags, func(a, b plan.FeatureFlag) int { return strings.Compare(a.Name, b.Name) })
	}
	if users, err := o.rabbit.Users(ctx, node); err == nil {
		for _, u := range users {
			view.Users = append(view.Users, plan.User{Name: u.Name, Tags: u.Tags})
		}
	}
	if lost, err := o.rabbit.LostReplicas(ctx, node); err == nil {
		view.LostKnown = true
		for member, queues := range lost {
			r := plan.LostReplicas{Node: plan.NodeName(member)}
			for _, q := range queues {
				r.Queues = append(r.Queues, plan.QueueID{VHost: q.VHost, Name: q.Name})
			}
			view.Lost = append(view.Lost, r)
		}
		slices.SortFunc(view.Lost, func(a, b plan.LostReplicas) int {
			return strings.Compare(string(a.Node), string(b.Node))
		})
	}
	l := &look{Observer: o, source: node, view: view}
	l.readRaft(ctx)
	l.metadata(ctx)
	view.Queues, view.QueuesKnown = l.queues(ctx)
	o.forgetMissing(view)
}

// look is one look at a cluster's queues.
type look struct {
	*Observer
	source string
	view   *plan.View
	// raft are the Raft members that run, by node; a node that did not answer is not in it.
	raft map[plan.NodeName]rabbit.RaftGroups
}

// readRaft asks every running member which Raft members run on it.
func (l *look) readRaft(ctx context.Context) {
	l.raft = map[plan.NodeName]rabbit.RaftGroups{}
	for _, n := range l.view.Nodes {
		if !n.Running() || !n.Member.Is(true) {
			continue
		}
		if groups, err := l.rabbit.Raft(ctx, string(n.Name)); err == nil {
			l.raft[n.Name] = groups
		}
	}
}

// metadata fills in the metadata store. Khepri's members are all members of the cluster, and voters: a node
// that joins has the store before it boots. Which of them leads it is not told.
func (l *look) metadata(ctx context.Context) {
	committed := rabbit.Index(-1)
	for _, groups := range l.raft {
		l.view.Metadata.Store = plan.Mnesia
		if groups.Khepri != nil {
			committed = max(committed, groups.Khepri.CommitIndex)
		}
	}
	if committed < 0 {
		return
	}
	l.view.Metadata.Store = plan.Khepri
	for _, n := range l.view.Nodes {
		if !n.Member.Is(true) {
			continue
		}
		r := plan.Replica{Node: n.Name, Voter: plan.Known(true)}
		groups, asked := l.raft[n.Name]
		switch {
		case asked && groups.Khepri != nil:
			r.Online = plan.Known(true)
			r.CaughtUp = plan.Known(groups.Khepri.Stored >= committed || l.khepriCaughtUp(ctx, n.Name, committed))
		case asked, n.State == plan.Down, n.State == plan.AppStopped:
			r.Online, r.CaughtUp = plan.Known(false), plan.Known(false)
		}
		l.view.Metadata.Group.Replicas = append(l.view.Metadata.Group.Replicas, r)
	}
}

// khepriCaughtUp looks once more at a node that lagged: it was asked earlier than the one that was ahead.
func (l *look) khepriCaughtUp(ctx context.Context, node plan.NodeName, committed rabbit.Index) bool {
	groups, err := l.rabbit.Raft(ctx, string(node))
	return err == nil && groups.Khepri != nil && groups.Khepri.Stored >= committed
}

// queues lists all queues. It fails if not all virtual hosts could be listed.
func (l *look) queues(ctx context.Context) (queues []plan.Queue, known bool) {
	if _, err := l.rabbit.VHosts(ctx, l.source); err != nil {
		return nil, false
	}
	infos, err := l.rabbit.QueuesOf(ctx, l.source)
	if err != nil {
		return nil, false
	}
	return l.group(ctx, infos), true
}

// group finds out about the replicas of queues.
func (l *look) group(ctx context.Context, infos []rabbit.QueueInfo) (queues []plan.Queue) {
	var quorum []rabbit.QueueName
	streams := false
	for _, q := range infos {
		switch plan.QueueType(q.Type) {
		case plan.Quorum:
			quorum = append(quorum, rabbit.QueueName{VHost: q.VHost, Name: q.Name})
		case plan.Stream:
			streams = true
		}
	}
	statuses := l.statuses(ctx, quorum)
	var replicas map[rabbit.QueueName]map[string]rabbit.StreamReplica
	if streams {
		var err error
		if replicas, err = l.rabbit.StreamReplicas(ctx, l.source); err != nil {
			replicas = nil
		}
	}
	for _, info := range infos {
		name := rabbit.QueueName{VHost: info.VHost, Name: info.Name}
		q := plan.Queue{
			QueueID: plan.QueueID{VHost: info.VHost, Name: info.Name}, Type: plan.QueueType(info.Type),
			Durable: info.Durable, Exclusive: info.Exclusive, AutoDelete: info.AutoDelete, Wanted: info.Asked(),
		}
		switch q.Type {
		case plan.Quorum:
			q.Group = l.quorumGroup(name, info, statuses)
		case plan.Stream:
			q.Group = l.streamGroup(info, replicas, name)
		default:
			q.Group = classicGroup(info)
		}
		queues = append(queues, q)
	}
	return queues
}

// classicGroup has the process of a classic queue, and its mirrors.
func classicGroup(info rabbit.QueueInfo) plan.Group {
	up := info.State == "running" || info.State == "idle" || info.State == "flow" || info.State == "syncing"
	main := plan.NodeName(info.Node)
	g := plan.Group{}
	if main != "" {
		g.Replicas = []plan.Replica{{Node: main, Online: plan.Known(up), Voter: plan.Known(true),
			CaughtUp: plan.Known(true)}}
	}
	if up {
		g.Leader = main
	}
	for _, m := range info.Mirrors {
		g.Replicas = append(g.Replicas, plan.Replica{
			Node: plan.NodeName(m), Online: plan.Known(true), Voter: plan.Known(true),
			CaughtUp: plan.Known(slices.Contains(info.SyncedMirrors, m)),
		})
	}
	return g
}

// statuses returns what the Raft members of quorum queues say. A queue of which one lags is asked about a
// second time.
func (l *look) statuses(ctx context.Context, queues []rabbit.QueueName) map[rabbit.QueueName][]raftMember {
	result := make(map[rabbit.QueueName][]raftMember, len(queues))
	if len(queues) == 0 {
		return result
	}
	if l.hasQuorumStatus() {
		for name, members := range l.rabbit.QuorumStatuses(ctx, l.source, queues) {
			group := raftMembers(members, committedOf(members))
			if slices.ContainsFunc(group, func(m raftMember) bool { return m.online && !m.caughtUp }) {
				if again, err := l.rabbit.QuorumStatus(ctx, l.source, name); err == nil {
					group = raftMembers(again, committedOf(members))
				}
			}
			result[name] = group
		}
		return result
	}
	l.statusesByMetrics(ctx, queues, result)
	return result
}

// hasQuorumStatus tells whether the cluster's nodes tell the state of a quorum queue's members over HTTP:
// from 3.13 on.
func (l *look) hasQuorumStatus() bool {
	for _, n := range l.view.Nodes {
		version, known := n.Version.Get()
		if n.Running() && n.Member.Is(true) && (!known || hasOldAPI(version)) {
			return false
		}
	}
	return true
}

func hasOldAPI(version string) bool {
	for _, old := range []string{"3.8.", "3.9.", "3.10.", "3.11.", "3.12."} {
		if strings.HasPrefix(version, old) {
			return true
		}
	}
	return false
}

// statusesByMetrics puts together from the nodes' metrics what older series do not tell otherwise. All
// their members are voters from the start.
func (l *look) statusesByMetrics(
	ctx context.Context, queues []rabbit.QueueName, result map[rabbit.QueueName][]raftMember,
) {
	committed := map[rabbit.QueueName]rabbit.Index{}
	for _, groups := range l.raft {
		for name, g := range groups.Queues {
			committed[name] = max(committed[name], g.CommitIndex)
		}
	}
	again := map[plan.NodeName]rabbit.RaftGroups{}
	for _, name := range queues {
		for node, groups := range l.raft {
			g, runs := groups.Queues[name]
			m := raftMember{node: string(node), online: runs, voter: true,
				caughtUp: runs && g.Stored >= committed[name]}
			if runs && !m.caughtUp {
				if _, asked := again[node]; !asked {
					again[node], _ = l.rabbit.Raft(ctx, string(node))
				}
				m.caughtUp = again[node].Queues[name].Stored >= committed[name]
			}
			result[name] = append(result[name], m)
		}
	}
}

// raftMember is a member of a quorum queue's Raft group that could be asked.
type raftMember struct {
	node                    string
	online, voter, caughtUp bool
	leader                  bool
}

// committedOf is the highest index that any member knows to be committed.
func committedOf(members []rabbit.RaftMember) rabbit.Index {
	committed := rabbit.Index(-1)
	for _, m := range members {
		committed = max(committed, m.CommitIndex)
	}
	return committed
}

// raftMembers judges members by what was committed before.
func raftMembers(members []rabbit.RaftMember, committed rabbit.Index) []raftMember {
	var group []raftMember
	for _, m := range members {
		switch m.State {
		case "noproc":
			group = append(group, raftMember{node: m.Node})
		case "leader", "follower", "candidate", "pre_vote", "await_condition", "receive_snapshot", "recover",
			"recovered":
			group = append(group, raftMember{
				node: m.Node, online: m.State != "recover" && m.State != "recovered", leader: m.State == "leader",
				voter: m.Membership == "voter", caughtUp: m.Stored() >= committed && m.State != "receive_snapshot",
			})
		}
	}
	return group
}

// quorumGroup is the Raft group of a quorum queue.
func (l *look) quorumGroup(
	name rabbit.QueueName, info rabbit.QueueInfo, statuses map[rabbit.QueueName][]raftMember,
) plan.Group {
	g := plan.Group{}
	members := statuses[name]
	for _, m := range members {
		if m.leader {
			g.Leader = plan.NodeName(m.node)
		}
	}
	for _, node := range info.Members {
		r := plan.Replica{Node: plan.NodeName(node)}
		i := slices.IndexFunc(members, func(m raftMember) bool { return m.node == node })
		switch {
		case i >= 0:
			r.Online, r.CaughtUp = plan.Known(members[i].online), plan.Known(members[i].caughtUp)
			if members[i].online {
				r.Voter = plan.Known(members[i].voter)
			}
			r.Lost = l.isLost(name, r.Node, !members[i].online)
		case l.isOff(r.Node):
			r.Online, r.CaughtUp = plan.Known(false), plan.Known(false)
		}
		g.Replicas = append(g.Replicas, r)
	}
	if g.Leader == "" && !l.hasQuorumStatus() {
		// What the list says is who led last.
		if i := slices.IndexFunc(g.Replicas, func(r plan.Replica) bool {
			return r.Node == plan.NodeName(info.Leader)
		}); i >= 0 &&
			g.Replicas[i].Online.Is(true) && info.State == "running" {
			g.Leader = plan.NodeName(info.Leader)
		}
	}
	if g.Leader == "" {
		// Without a leader nobody says what is committed, and a replica that does not run may still be the
		// only copy.
		for i := range g.Replicas {
			g.Replicas[i].Lost = false
		}
	}
	return g
}

// streamGroup is the group of a stream. All its replicas count for a majority.
func (l *look) streamGroup(
	info rabbit.QueueInfo, streams map[rabbit.QueueName]map[string]rabbit.StreamReplica, name rabbit.QueueName,
) plan.Group {
	g := plan.Group{}
	replicas := streams[name]
	committed := int64(-1)
	for _, r := range replicas {
		committed = max(committed, r.Committed)
	}
	for _, node := range info.Members {
		r := plan.Replica{Node: plan.NodeName(node), Voter: plan.Known(true)}
		state, runs := replicas[node]
		switch {
		case runs:
			r.Online, r.CaughtUp = plan.Known(true), plan.Known(state.Offset >= committed)
		case streams != nil || l.isOff(r.Node):
			r.Online, r.CaughtUp = plan.Known(false), plan.Known(false)
		}
		r.Lost = l.isLost(name, r.Node, r.Online.Is(false))
		if runs && node == info.Leader {
			g.Leader = r.Node
		}
		g.Replicas = append(g.Replicas, r)
	}
	if g.Leader == "" {
		for i := range g.Replicas {
			g.Replicas[i].Lost = false
		}
	}
	return g
}

// isOff tells whether RabbitMQ certainly does not run on a node.
func (l *look) isOff(node plan.NodeName) bool {
	for _, n := range l.view.Nodes {
		if n.Name == node {
			return n.State == plan.Down || n.State == plan.AppStopped
		}
	}
	return false
}

// isLost notes that a replica is missing or not, and tells whether it has been for so long that its data
// are gone.
func (l *look) isLost(queue rabbit.QueueName, node plan.NodeName, missing bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := replicaID{queue, node}
	since, serves := l.serving[node]
	if !missing || !serves {
		delete(l.missing, id)
		return false
	}
	if _, known := l.missing[id]; !known {
		l.missing[id] = l.now()
	}
	if l.missing[id].After(since) {
		since = l.missing[id]
	}
	return l.now().Sub(since) >= lostAfter
}

// forgetMissing drops what is remembered of replicas that are no more.
func (o *Observer) forgetMissing(view *plan.View) {
	if !view.QueuesKnown {
		return
	}
	there := map[rabbit.QueueName]bool{}
	for _, q := range view.Queues {
		there[rabbit.QueueName{VHost: q.VHost, Name: q.Name}] = true
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	for id := range o.missing {
		if !there[id.queue] {
			delete(o.missing, id)
		}
	}
}
