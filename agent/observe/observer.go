package observe

import (
	"context"
	"slices"
	"sync"
	"time"

	"warren/agent/peer"
	"warren/agent/plan"
	"warren/agent/rabbit"
	"warren/topology"
)

const (
	// lostAfter is how long a replica must have been missing, while its node served without a break, before
	// it counts as lost. A node recovers its queues before it serves; a replica that crashed is restarted
	// within seconds.
	lostAfter = 30 * time.Second
	// bootAfter is how long a node may answer nothing but its distribution port before it is asked whether
	// it boots at all, which takes a command-line tool.
	bootAfter = 10 * time.Second
	// askPause is the shortest time between two such questions. A command-line tool starts an Erlang VM, and
	// every agent of the stack asks. So where an answer takes long, the pause is askShare times as long: the
	// questions must not slow down the boot that they wait for.
	askPause, askShare = 10 * time.Second, 10
)

// RabbitMQ is what the observer asks of RabbitMQ; [rabbit.Client] answers.
type RabbitMQ interface {
	Identity(ctx context.Context, node string) (rabbit.Identity, error)
	Listens(ctx context.Context, node string, port int) bool
	Nodes(ctx context.Context, node string) ([]rabbit.NodeInfo, error)
	Alarms(ctx context.Context, node string) (map[string][]string, error)
	VHosts(ctx context.Context, node string) ([]string, error)
	QueuesOf(ctx context.Context, node string) ([]rabbit.QueueInfo, error)
	Queue(ctx context.Context, node string, queue rabbit.QueueName) (rabbit.QueueInfo, error)
	QuorumStatus(ctx context.Context, node string, queue rabbit.QueueName) ([]rabbit.RaftMember, error)
	QuorumStatuses(ctx context.Context, node string,
		queues []rabbit.QueueName) map[rabbit.QueueName][]rabbit.RaftMember
	Raft(ctx context.Context, node string) (rabbit.RaftGroups, error)
	StreamReplicas(ctx context.Context, node string) (map[rabbit.QueueName]map[string]rabbit.StreamReplica,
		error)
	FeatureFlags(ctx context.Context, node string) ([]rabbit.FlagInfo, error)
	Users(ctx context.Context, node string) ([]rabbit.UserInfo, error)
	LostReplicas(ctx context.Context, node string) (map[string][]rabbit.QueueName, error)
	AppState(ctx context.Context, node string) (rabbit.AppState, error)
	InMaintenance(ctx context.Context, node string) (bool, error)
	Standing(ctx context.Context, node string) (rabbit.Standing, error)
}

// Peers tell how the agents of nodes stand; [peer.Client] does.
type Peers interface {
	Status(ctx context.Context, host string) (peer.Status, error)
}

// Observer looks at one cluster, again and again: some things only show over time.
type Observer struct {
	rabbit RabbitMQ
	peers  Peers
	nodes  []plan.NodeName
	now    func() time.Time

	mu sync.Mutex
	// mute is since when a node has answered nothing but its distribution port, askFrom when a tool may ask
	// it again.
	mute, askFrom map[plan.NodeName]time.Time
	state         map[plan.NodeName]plan.NodeState
	stood         map[plan.NodeName]stood
	// closed is since when a node has run without accepting clients.
	closed map[plan.NodeName]time.Time
	// serving is since when a node has served, missing since when a replica has been missing on it.
	serving map[plan.NodeName]time.Time
	missing map[replicaID]time.Time
}

type replicaID struct {
	queue rabbit.QueueName
	node  plan.NodeName
}

// New returns an observer of the cluster of the given nodes, in the stack's order.
func New(r RabbitMQ, peers Peers, nodes []plan.NodeName) *Observer {
	return &Observer{
		rabbit: r, peers: peers, nodes: nodes, now: time.Now,
		mute: map[plan.NodeName]time.Time{}, askFrom: map[plan.NodeName]time.Time{},
		state: map[plan.NodeName]plan.NodeState{}, stood: map[plan.NodeName]stood{},
		closed:  map[plan.NodeName]time.Time{},
		serving: map[plan.NodeName]time.Time{}, missing: map[replicaID]time.Time{},
	}
}

// Look looks at the cluster. What could not be learned is unknown in the view; there is no other error.
func (o *Observer) Look(ctx context.Context) plan.View {
	view, source := o.glance(ctx, o.nodes, true)
	if source != "" {
		o.readCluster(ctx, source, &view)
	}
	return view
}

// Glance looks at the nodes only: the view has no queues, flags or remembered replicas. It asks the
// management API, whose every answer RabbitMQ logs, only if some node does not serve.
func (o *Observer) Glance(ctx context.Context) plan.View {
	view, _ := o.glance(ctx, o.nodes, false)
	return view
}

// glance looks at some nodes, and at all members of their cluster. The source is the node to ask about it.
// If members are not to be asked for in any case, they are when some node does not serve.
func (o *Observer) glance(
	ctx context.Context, nodes []plan.NodeName, always bool,
) (view plan.View, source plan.NodeName) {
	sights := o.sight(ctx, nodes)
	view.ClusterID = plan.Home(nodesOf(sights))
	var members []rabbit.NodeInfo
	serves := func(s *sight) bool { return s.listens && s.node.ClusterID.Is(view.ClusterID) }
	if always || slices.ContainsFunc(sights, func(s *sight) bool { return !serves(s) }) {
		source, members = o.source(ctx, view.ClusterID, sights)
	}
	for _, m := range members {
		if name := plan.NodeName(m.Name); !slices.Contains(nodes, name) {
			sights = append(sights, o.sight(ctx, []plan.NodeName{name})...)
		}
	}
	o.judge(ctx, view.ClusterID, sights, members)
	view.Nodes = nodesOf(sights)
	return view, source
}

// Again looks once more at the nodes of a view and, if queue names one, at that queue; all else is as it
// was in the view.
func (o *Observer) Again(ctx context.Context, view plan.View, queue plan.QueueID) plan.View {
	if queue == (plan.QueueID{}) {
		return o.Look(ctx)
	}
	names := make([]plan.NodeName, len(view.Nodes))
	for i, n := range view.Nodes {
		names[i] = n.Name
	}
	glance, source := o.glance(ctx, names, true)
	fresh := view
	fresh.ClusterID, fresh.Nodes = glance.ClusterID, glance.Nodes
	fresh.Queues = slices.Clone(view.Queues)
	i := slices.IndexFunc(fresh.Queues, func(q plan.Queue) bool { return q.QueueID == queue })
	if source == "" || i < 0 {
		return fresh
	}
	info, err := o.rabbit.Queue(ctx, string(source), rabbit.QueueName{VHost: queue.VHost, Name: queue.Name})
	switch {
	case rabbit.IsNotFound(err):
		fresh.Queues = slices.Delete(fresh.Queues, i, i+1)
	case err != nil:
		fresh.Queues[i].Group = plan.Group{} // nothing is known of it
	default:
		l := &look{Observer: o, source: string(source), view: &fresh}
		if !l.hasQuorumStatus() {
			l.readRaft(ctx)
		}
		fresh.Queues[i] = l.group(ctx, []rabbit.QueueInfo{info})[0]
	}
	return fresh
}

func nodesOf(sights []*sight) []plan.Node {
	nodes := make([]plan.Node, len(sights))
	for i, s := range sights {
		nodes[i] = s.node
	}
	return nodes
}

// sight is what is known of one node.
type sight struct {
	node plan.Node
	// runs: the node tells which cluster it is in. listens: it accepts AMQP clients. vm: its Erlang virtual
	// machine runs.
	runs, listens, vm bool
	// booting: the node's own agent says that RabbitMQ was started and has not come up since.
	booting bool
}

// sight looks at each of some nodes, at the same time.
func (o *Observer) sight(ctx context.Context, nodes []plan.NodeName) []*sight {
	sights := make([]*sight, len(nodes))
	var all sync.WaitGroup
	for i, name := range nodes {
		all.Go(func() { sights[i] = o.sightOne(ctx, name) })
	}
	all.Wait()
	return sights
}

func (o *Observer) sightOne(ctx context.Context, name plan.NodeName) *sight {
	s := &sight{node: plan.Node{Name: name}}
	if status, err := o.peers.Status(ctx, rabbit.Host(string(name))); err == nil {
		s.node.Stopping = status.Phase == peer.Stopping
		if n := status.Node; n != nil {
			s.node.Data, s.booting = plan.Known(n.Data), n.Booting
			if !n.Data || n.ClusterID != "" {
				s.node.ClusterID = plan.Known(n.ClusterID)
			}
			if n.Version != "" {
				s.node.Version = plan.Known(n.Version)
			}
		}
	}
	id, err := o.rabbit.Identity(ctx, string(name))
	if err != nil {
		s.vm = o.rabbit.Listens(ctx, string(name), topology.DistributionPort)
		return s
	}
	s.runs, s.vm = true, true
	s.node.ClusterID, s.node.Version, s.node.Data = plan.Known(id.ClusterID), plan.Known(
		id.Version), plan.Known(true)
	s.listens = o.rabbit.Listens(ctx, string(name), topology.AMQPPort)
	s.node.State = plan.Starting // a node's listeners come last
	if s.listens {
		s.node.State = plan.Serving
	}
	return s
}

// source is the node that is asked about a cluster: the first of those in it that serve and see most
// members running, or the one that comes nearest to that. A node that does not listen yet is not asked: its
// management API fails, and logs that.
func (o *Observer) source(
	ctx context.Context, clusterID string, sights []*sight,
) (source plan.NodeName, members []rabbit.NodeInfo) {
	most := 0
	for _, s := range sights {
		if !s.node.ClusterID.Is(clusterID) || !s.runs || !s.listens && !o.silent(s.node.Name) {
			continue
		}
		list, err := o.rabbit.Nodes(ctx, string(s.node.Name))
		if err != nil {
			continue
		}
		n := runningMembers(list)
		if n > most {
			most, source, members = n, s.node.Name, list
		}
		if 2*n > len(list) {
			break
		}
	}
	return source, members
}

// silent tells whether a node has run for some time without accepting clients: one that starts would have
// got further.
func (o *Observer) silent(node plan.NodeName) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	since, known := o.closed[node]
	return known && o.now().Sub(since) >= bootAfter
}

func runningMembers(members []rabbit.NodeInfo) int {
	n := 0
	for _, m := range members {
		if m.Running {
			n++
		}
	}
	return n
}

// judge fills in what takes a look at all nodes.
func (o *Observer) judge(ctx context.Context, clusterID string, sights []*sight, members []rabbit.NodeInfo) {
	alone := 0
	for _, s := range sights {
		if s.node.ClusterID.Is(clusterID) {
			alone++
		}
	}
	for _, s := range sights {
		var member *rabbit.NodeInfo
		if members != nil {
			i := slices.IndexFunc(members, func(m rabbit.NodeInfo) bool { return m.Name == string(s.node.Name) })
			s.node.Member = plan.Known(i >= 0)
			if i >= 0 {
				member = &members[i]
				s.node.Type = plan.Known(topology.NodeType(member.Type))
			}
		}
		switch {
		case !s.runs && o.drainedMute(ctx, s, member), s.runs && o.drained(ctx, s, member):
			s.node.State = plan.Maintenance
		case !s.runs:
			s.node.State = o.notRunning(ctx, s, member != nil && member.Running)
		}
		if id, known := s.node.ClusterID.Get(); known && id != "" && id != clusterID {
			o.judgeAway(ctx, s)
		} else if members != nil && member != nil {
			s.node.Alone = plan.Known(len(members) == 1)
		}
		o.note(s)
	}
}

// judgeAway asks a node that is in another cluster. One that is drained has closed its listeners: it takes a
// command-line tool to ask it, which is not used on a node that is only starting.
func (o *Observer) judgeAway(ctx context.Context, s *sight) {
	name := string(s.node.Name)
	if !s.listens {
		if s.vm && (o.silent(s.node.Name) || o.muteForLong(s.node.Name)) {
			o.judgeMute(ctx, s)
		}
		return
	}
	if own, err := o.rabbit.Nodes(ctx, name); err == nil {
		s.node.Alone = plan.Known(len(own) == 1)
		i := slices.IndexFunc(own, func(m rabbit.NodeInfo) bool { return m.Name == name })
		if i >= 0 && o.drained(ctx, s, &own[i]) {
			s.node.State = plan.Maintenance
		}
	}
	if _, err := o.rabbit.VHosts(ctx, name); err != nil {
		return
	}
	if queues, err := o.rabbit.QueuesOf(ctx, name); err == nil {
		s.node.OwnQueues = plan.Known(len(queues))
	}
}

// judgeMute asks a node that is in another cluster and has closed its listeners, not with every look. What it
// says lasts: while it is drained, nobody gives it anything.
func (o *Observer) judgeMute(ctx context.Context, s *sight) {
	o.mu.Lock()
	defer o.mu.Unlock()
	last := o.stood[s.node.Name]
	if now := o.now(); !now.Before(last.until) {
		answer, err := o.rabbit.Standing(ctx, string(s.node.Name))
		answered := o.now()
		last = stood{answer, err == nil, answered.Add(max(askPause, askShare*answered.Sub(now)))}
		o.stood[s.node.Name] = last
	}
	if last.known && last.Drained {
		s.node.State = plan.Maintenance
		s.node.Alone, s.node.OwnQueues = plan.Known(last.Members == 1), plan.Known(last.Queues)
	}
}

// stood is how a node stood when it was asked last, and until when it is not asked again.
type stood struct {
	rabbit.Standing
	known bool
	until time.Time
}

// drained tells whether a node that runs is in maintenance mode. It listens no more when it is drained, but
// still does when that begins.
func (o *Observer) drained(ctx context.Context, s *sight, member *rabbit.NodeInfo) bool {
	switch {
	case member != nil && member.BeingDrained != nil:
		return *member.BeingDrained
	case s.listens || !o.silent(s.node.Name):
		return false
	default: // before 3.11
		drained, err := o.rabbit.InMaintenance(ctx, string(s.node.Name))
		return err == nil && drained
	}
}

// drainedMute tells whether a node that does not answer is in maintenance mode: it closes all its listeners
// then, that of its metrics as well, and answers over connections from before only. The others say so.
func (o *Observer) drainedMute(ctx context.Context, s *sight, member *rabbit.NodeInfo) bool {
	switch {
	case !s.vm || member == nil || !member.Running:
		return false
	case member.BeingDrained != nil:
		return *member.BeingDrained
	case !o.muteForLong(s.node.Name):
		return false
	default: // before 3.11
		drained, err := o.rabbit.InMaintenance(ctx, string(s.node.Name))
		return err == nil && drained
	}
}

// muteForLong tells whether a node has answered nothing but its distribution port for some time.
func (o *Observer) muteForLong(node plan.NodeName) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	since, known := o.mute[node]
	return known && o.now().Sub(since) >= bootAfter
}

// notRunning is the state of a node that does not say which cluster it is in.
func (o *Observer) notRunning(ctx context.Context, s *sight, counted bool) plan.NodeState {
	name := s.node.Name
	o.mu.Lock()
	defer o.mu.Unlock()
	if !s.vm {
		delete(o.mute, name)
		if counted {
			return plan.StateUnknown
		}
		return plan.Down
	}
	now := o.now()
	if _, known := o.mute[name]; !known {
		o.mute[name], o.state[name] = now, plan.Starting
		delete(o.askFrom, name)
	}
	if s.booting {
		o.state[name] = plan.Starting
	} else if now.Sub(o.mute[name]) >= bootAfter && !now.Before(o.askFrom[name]) {
		app, err := o.rabbit.AppState(ctx, string(name))
		answered := o.now()
		o.askFrom[name] = answered.Add(max(askPause, askShare*answered.Sub(now)))
		switch {
		case err != nil:
			o.state[name] = plan.StateUnknown
		case app == rabbit.AppStopped:
			o.state[name] = plan.AppStopped
		default:
			o.state[name] = plan.Starting
		}
	}
	return o.state[name]
}

// note remembers since when a node has served.
func (o *Observer) note(s *sight) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if s.runs {
		delete(o.mute, s.node.Name)
	}
	if s.listens || !s.vm {
		delete(o.stood, s.node.Name)
	}
	if _, known := o.closed[s.node.Name]; !s.runs || s.listens {
		delete(o.closed, s.node.Name)
	} else if !known {
		o.closed[s.node.Name] = o.now()
	}
	if s.node.State != plan.Serving {
		delete(o.serving, s.node.Name)
	} else if _, known := o.serving[s.node.Name]; !known {
		o.serving[s.node.Name] = o.now()
	}
}
