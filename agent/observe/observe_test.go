package observe

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/peer"
	"warren/agent/plan"
	"warren/agent/rabbit"
	"warren/topology"
)

const r1, r2, r3 = "rabbit@rabbit1", "rabbit@rabbit2", "rabbit@rabbit3"

var errSilent = errors.New("connection refused")

// world is a cluster, and what its nodes answer.
type world struct {
	// runs has the version of each node that runs, listens those that accept clients, vms those whose
	// Erlang VM runs.
	runs    map[string]string
	cluster map[string]string
	listens map[string]bool
	vms     map[string]bool
	members []rabbit.NodeInfo
	agents  map[string]peer.Status
	queues  []rabbit.QueueInfo
	// statuses are answers about a quorum queue, one after the other; the last one stays.
	statuses [][]rabbit.RaftMember
	raft     map[string]rabbit.RaftGroups
	streams  map[rabbit.QueueName]map[string]rabbit.StreamReplica
	app      rabbit.AppState
	appTakes time.Duration
	standing rabbit.Standing
	// asked are the requests that RabbitMQ logs, and commands those that start an Erlang VM.
	asked, commands int
	noVHosts        bool
	now             time.Time
}

// three is a cluster of three nodes that serve.
func three() *world {
	no := false
	w := &world{
		runs: map[string]string{}, cluster: map[string]string{}, listens: map[string]bool{}, vms: map[string]bool{},
		agents: map[string]peer.Status{}, now: time.Unix(1_000_000, 0),
	}
	for _, n := range []string{r1, r2, r3} {
		w.runs[n], w.cluster[n], w.listens[n], w.vms[n] = "4.3.6", "id-1", true, true
		w.members = append(w.members, rabbit.NodeInfo{Name: n, Type: "disc", Running: true, BeingDrained: &no})
	}
	return w
}

// stop stops RabbitMQ on a node, and its VM.
func (w *world) stop(node string) {
	delete(w.runs, node)
	delete(w.vms, node)
	delete(w.listens, node)
	for i := range w.members {
		if w.members[i].Name == node {
			w.members[i].Running = false
		}
	}
}

func (w *world) observer() *Observer {
	o := New(w, w, []plan.NodeName{r1, r2, r3})
	o.now = func() time.Time { return w.now }
	return o
}

func (w *world) Status(_ context.Context, host string) (peer.Status, error) {
	status, known := w.agents["rabbit@"+host]
	if !known {
		return status, errSilent
	}
	return status, nil
}

func (w *world) Identity(_ context.Context, node string) (rabbit.Identity, error) {
	version, runs := w.runs[node]
	if !runs {
		return rabbit.Identity{}, errSilent
	}
	return rabbit.Identity{Node: node, ClusterID: w.cluster[node], Version: version}, nil
}

func (w *world) Listens(_ context.Context, node string, port int) bool {
	if port == topology.DistributionPort {
		return w.vms[node]
	}
	return w.listens[node]
}

func (w *world) Nodes(_ context.Context, node string) ([]rabbit.NodeInfo, error) {
	if w.asked++; w.cluster[node] != "id-1" {
		return []rabbit.NodeInfo{{Name: node, Type: "disc", Running: true}}, nil
	}
	return w.members, nil
}

func (w *world) Alarms(context.Context, string) (map[string][]string, error) {
	w.asked++
	return map[string][]string{r2: {"disk"}}, nil
}

func (w *world) VHosts(context.Context, string) ([]string, error) {
	if w.asked++; w.noVHosts {
		return nil, errSilent
	}
	return []string{"/"}, nil
}

func (w *world) QueuesOf(context.Context, string) ([]rabbit.QueueInfo, error) {
	w.asked++
	return w.queues, nil
}

func (w *world) Queue(_ context.Context, _ string, name rabbit.QueueName) (rabbit.QueueInfo, error) {
	for _, q := range w.queues {
		if q.VHost == name.VHost && q.Name == name.Name {
			return q, nil
		}
	}
	return rabbit.QueueInfo{}, &rabbit.StatusError{Status: 404}
}

func (w *world) QuorumStatus(context.Context, string, rabbit.QueueName) ([]rabbit.RaftMember, error) {
	status := w.statuses[0]
	if len(w.statuses) > 1 {
		w.statuses = w.statuses[1:]
	}
	return status, nil
}

func (w *world) QuorumStatuses(
	ctx context.Context, node string, queues []rabbit.QueueName,
) map[rabbit.QueueName][]rabbit.RaftMember {
	statuses := map[rabbit.QueueName][]rabbit.RaftMember{}
	for _, q := range queues {
		statuses[q], _ = w.QuorumStatus(ctx, node, q)
	}
	return statuses
}

func (w *world) Raft(_ context.Context, node string) (rabbit.RaftGroups, error) {
	return w.raft[node], nil
}

func (w *world) StreamReplicas(
	context.Context, string,
) (map[rabbit.QueueName]map[string]rabbit.StreamReplica, error) {
	w.commands++
	return w.streams, nil
}

func (w *world) Users(context.Context, string) ([]rabbit.UserInfo, error) {
	return []rabbit.UserInfo{{Name: "admin", Tags: []string{"administrator", "warren"}}}, nil
}

func (w *world) FeatureFlags(context.Context, string) ([]rabbit.FlagInfo, error) {
	return []rabbit.FlagInfo{{Name: "b", State: "disabled", Stability: "stable"},
		{Name: "a", State: "enabled", Stability: "experimental"}}, nil
}

func (w *world) LostReplicas(context.Context, string) (map[string][]rabbit.QueueName, error) {
	return map[string][]rabbit.QueueName{r2: {{VHost: "/", Name: "q"}}}, nil
}

func (w *world) AppState(context.Context, string) (rabbit.AppState, error) {
	w.commands++
	w.now = w.now.Add(w.appTakes)
	return w.app, nil
}

func (w *world) InMaintenance(context.Context, string) (bool, error) {
	w.commands++
	return true, nil
}

func (w *world) Standing(context.Context, string) (rabbit.Standing, error) {
	w.commands++
	return w.standing, nil
}

// stateOf3 is the state of the third node.
func stateOf3(v plan.View) plan.NodeState {
	for _, n := range v.Nodes {
		if n.Name == r3 {
			return n.State
		}
	}
	return "not in the view"
}

func TestLookAtAClusterThatServes(t *testing.T) {
	w := three()
	v := w.observer().Look(t.Context())
	assert.Equal(t, "id-1", v.ClusterID)
	require.Len(t, v.Nodes, 3)
	for _, n := range v.Nodes {
		assert.Equal(t, plan.Serving, n.State)
		assert.True(t, n.Member.Is(true))
		assert.True(t, n.Alone.Is(false))
		assert.True(t, n.Type.Is(topology.Disc))
		assert.True(t, n.Version.Is("4.3.6"))
	}
	assert.Equal(t, []string{"disk"}, v.Nodes[1].Alarms)
	assert.Equal(t, []plan.FeatureFlag{{Name: "a", Enabled: true}, {Name: "b", Stable: true}}, v.Flags)
	assert.Equal(t, []plan.LostReplicas{{Node: r2, Queues: []plan.QueueID{{VHost: "/", Name: "q"}}}}, v.Lost)
	assert.True(t, v.QueuesKnown)
	assert.True(t, v.LostKnown)
	assert.Zero(t, w.commands, "no Erlang VM is started to look")
}

func TestAGlanceAtNodesThatServeIsNotLogged(t *testing.T) {
	w := three()
	v := w.observer().Glance(t.Context())
	assert.Equal(t, plan.Serving, stateOf3(v))
	assert.Zero(t, w.asked)
}

func TestWhatANodeDoes(t *testing.T) {
	yes := true
	for name, test := range map[string]struct {
		change func(*world)
		want   plan.NodeState
	}{
		"it has stopped": {func(w *world) { w.stop(r3) }, plan.Down},
		"it is cut off from here": {func(w *world) {
			w.stop(r3)
			w.members[2].Running = true
		}, plan.StateUnknown},
		"its VM runs, and it has just started": {func(w *world) { w.stop(r3); w.vms[r3] = true }, plan.Starting},
		"it does not listen yet":               {func(w *world) { w.listens[r3] = false }, plan.Starting},
		"it is drained": {func(w *world) {
			w.listens[r3] = false
			w.members[2].BeingDrained = &yes
		}, plan.Maintenance},
		"it is drained, and says nothing": {func(w *world) {
			w.stop(r3)
			w.vms[r3], w.members[2].Running, w.members[2].BeingDrained = true, true, &yes
		}, plan.Maintenance},
		"it was drained, and has stopped": {func(w *world) {
			w.stop(r3)
			w.members[2].BeingDrained = &yes
		}, plan.Down},
		"it is about to be drained": {func(w *world) { w.members[2].BeingDrained = &yes }, plan.Maintenance},
	} {
		t.Run(name, func(t *testing.T) {
			w := three()
			test.change(w)
			assert.Equal(t, test.want, stateOf3(w.observer().Look(t.Context())))
		})
	}
}

func TestANodeThatSaysNothingForLongIsAsked(t *testing.T) {
	w := three()
	w.stop(r3)
	w.vms[r3], w.app = true, rabbit.AppStopped
	o := w.observer()
	assert.Equal(t, plan.Starting, stateOf3(o.Look(t.Context())))
	assert.Zero(t, w.commands)
	w.now = w.now.Add(bootAfter)
	assert.Equal(t, plan.AppStopped, stateOf3(o.Look(t.Context())))
	assert.Equal(t, plan.AppStopped, stateOf3(o.Look(t.Context())))
	assert.Equal(t, 1, w.commands, "not asked with every look")
	w.now = w.now.Add(askPause)
	o.Look(t.Context())
	assert.Equal(t, 2, w.commands)
}

// While a node boots, its agent says so, and no Erlang VM is started to hear it.
func TestANodeThatBootsIsNotAsked(t *testing.T) {
	w := three()
	w.stop(r3)
	w.vms[r3], w.app = true, rabbit.AppStopped
	w.agents[r3] = peer.Status{Phase: peer.Running, Node: &peer.Node{Name: r3, Data: true, Booting: true}}
	o := w.observer()
	o.Look(t.Context())
	w.now = w.now.Add(time.Minute)
	assert.Equal(t, plan.Starting, stateOf3(o.Look(t.Context())))
	assert.Zero(t, w.commands)
	w.agents[r3].Node.Booting = false
	assert.Equal(t, plan.AppStopped, stateOf3(o.Look(t.Context())), "it was up, and somebody has stopped it")
}

func TestANodeThatAnswersSlowlyIsAskedLessOften(t *testing.T) {
	const slow = 5 * time.Second
	w := three()
	w.stop(r3)
	w.vms[r3], w.app, w.appTakes = true, rabbit.AppBooting, slow
	o := w.observer()
	o.Look(t.Context())
	w.now = w.now.Add(bootAfter)
	o.Look(t.Context())
	w.now = w.now.Add(askShare*slow - time.Second)
	o.Look(t.Context())
	assert.Equal(t, 1, w.commands, "the pause is as long as the answer is slow")
	w.now = w.now.Add(time.Second)
	o.Look(t.Context())
	assert.Equal(t, 2, w.commands)
}

func TestMaintenanceOfANodeThatDoesNotTell(t *testing.T) {
	w := three()
	for i := range w.members {
		w.members[i].BeingDrained = nil // as before 3.11
	}
	w.listens[r3] = false
	o := w.observer()
	assert.Equal(t, plan.Starting, stateOf3(o.Look(t.Context())), "its listeners may be about to come")
	w.now = w.now.Add(bootAfter)
	assert.Equal(t, plan.Maintenance, stateOf3(o.Look(t.Context())))

	t.Log("it has closed all its listeners")
	w.stop(r3)
	w.vms[r3], w.members[2].Running = true, true
	o = w.observer()
	assert.Equal(t, plan.Starting, stateOf3(o.Look(t.Context())))
	w.now = w.now.Add(bootAfter)
	assert.Equal(t, plan.Maintenance, stateOf3(o.Look(t.Context())))
}

func TestANodeInAClusterOfItsOwn(t *testing.T) {
	w := three()
	w.cluster[r3] = "id-2"
	w.members = w.members[:2]
	w.queues = []rabbit.QueueInfo{{VHost: "/", Name: "mine", Type: "classic", Node: r3}}
	v := w.observer().Look(t.Context())
	assert.Equal(t, "id-1", v.ClusterID)
	away := v.Nodes[2]
	assert.True(t, away.Member.Is(false))
	assert.True(t, away.Alone.Is(true))
	assert.True(t, away.OwnQueues.Is(1))
}

// A node that is drained has closed its listeners: what it has is known by asking the node otherwise.
func TestADrainedNodeInAClusterOfItsOwn(t *testing.T) {
	w := three()
	w.members = w.members[:2]
	w.stop(r3)
	w.vms[r3] = true
	w.agents[r3] = peer.Status{Node: &peer.Node{Name: r3, Data: true, ClusterID: "id-2"}}
	w.standing = rabbit.Standing{Members: 1, Queues: 2, Drained: true}
	o := w.observer()
	assert.Equal(t, plan.Starting, stateOf3(o.Look(t.Context())))
	w.now = w.now.Add(bootAfter)
	away := o.Look(t.Context()).Nodes[2]
	assert.Equal(t, plan.Maintenance, away.State)
	assert.True(t, away.Alone.Is(true))
	assert.True(t, away.OwnQueues.Is(2))
	asked := w.commands
	assert.Equal(t, plan.Maintenance, o.Look(t.Context()).Nodes[2].State)
	assert.Equal(t, asked, w.commands, "not asked with every look")
}

func TestAgentsTellWhatIsOnVolumes(t *testing.T) {
	w := &world{agents: map[string]peer.Status{
		r1: {Phase: peer.Preparing, Node: &peer.Node{Name: r1}},
		r2: {Phase: peer.Stopping, Node: &peer.Node{Name: r2, Data: true, ClusterID: "id-1", Version: "4.3.6"}},
	}, now: time.Unix(0, 0)}
	v := w.observer().Look(t.Context())
	assert.True(t, v.Nodes[0].Data.Is(false))
	assert.True(t, v.Nodes[0].ClusterID.Is(""), "none")
	assert.True(t, v.Nodes[1].Data.Is(true))
	assert.True(t, v.Nodes[1].ClusterID.Is("id-1"))
	assert.True(t, v.Nodes[1].Stopping)
	_, known := v.Nodes[2].Data.Get()
	assert.False(t, known, "nobody answers there")
	assert.False(t, v.QueuesKnown)
}

func TestMembersThatAreNotTheStacksAreSeen(t *testing.T) {
	w := three()
	w.members = append(w.members, rabbit.NodeInfo{Name: "rabbit@rabbit4", Type: "disc"})
	v := w.observer().Look(t.Context())
	require.Len(t, v.Nodes, 4)
	assert.Equal(t, plan.Down, v.Nodes[3].State)
	assert.True(t, v.Nodes[3].Member.Is(true))
}

func TestQueuesThatCanNotAllBeListedAreNotKnown(t *testing.T) {
	w := three()
	w.noVHosts = true
	assert.False(t, w.observer().Look(t.Context()).QueuesKnown)
}

func member(node, state, membership string, written, committed rabbit.Index) rabbit.RaftMember {
	return rabbit.RaftMember{Node: node, State: state, Membership: membership, LastWritten: written,
		CommitIndex: committed}
}

func quorum() rabbit.QueueInfo {
	return rabbit.QueueInfo{
		VHost: "/", Name: "q", Type: "quorum", Durable: true, State: "running", Node: r1, Leader: r1,
		Members: []string{r1, r2, r3},
	}
}

// oneQueue looks at a cluster with one quorum queue.
func oneQueue(t *testing.T, o *Observer) plan.Queue {
	t.Helper()
	v := o.Look(t.Context())
	require.Len(t, v.Queues, 1)
	return v.Queues[0]
}

func TestVotersAndWhoHasCaughtUp(t *testing.T) {
	w := three()
	w.queues = []rabbit.QueueInfo{quorum()}
	w.statuses = [][]rabbit.RaftMember{
		{member(r1, "leader", "voter", 100, 100), member(r2, "follower", "voter", 90, 80),
			member(r3, "follower", "promotable", 5, 5)},
		{member(r1, "leader", "voter", 200, 200), member(r2, "follower", "voter", 150, 140),
			member(r3, "follower", "promotable", 9, 9)},
	}
	q := oneQueue(t, w.observer())
	assert.EqualValues(t, r1, q.Leader)
	assert.True(t, q.Replicas[1].CaughtUp.Is(true),
		"it has what was committed at the first look; the rest was on its way")
	assert.True(t, q.Replicas[2].Voter.Is(false))
	assert.True(t, q.Replicas[2].CaughtUp.Is(false))
}

func TestAReplicaIsLostWhenItsNodeHasServedLongWithoutIt(t *testing.T) {
	w := three()
	w.queues = []rabbit.QueueInfo{quorum()}
	w.statuses = [][]rabbit.RaftMember{
		{member(r1, "leader", "voter", 9, 9), member(r2, "noproc", "", -1, -1),
			member(r3, "follower", "voter", 9, 9)},
	}
	o := w.observer()
	q := oneQueue(t, o)
	assert.True(t, q.Replicas[1].Online.Is(false))
	assert.False(t, q.Replicas[1].Lost, "it may be about to start")
	w.now = w.now.Add(lostAfter)
	assert.True(t, oneQueue(t, o).Replicas[1].Lost)

	w.stop(r2)
	assert.False(t, oneQueue(t, o).Replicas[1].Lost, "its node is down")
	w.runs[r2], w.vms[r2], w.listens[r2] = "4.3.6", true, true
	assert.False(t, oneQueue(t, o).Replicas[1].Lost, "its node has just started")
}

func TestNoReplicaOfALeaderlessQueueIsLost(t *testing.T) {
	w := three()
	w.queues = []rabbit.QueueInfo{quorum()}
	w.statuses = [][]rabbit.RaftMember{
		{member(r1, "noproc", "", -1, -1), member(r2, "noproc", "", -1, -1), member(r3, "noproc", "", -1, -1)},
	}
	o := w.observer()
	oneQueue(t, o)
	w.now = w.now.Add(lostAfter)
	for _, r := range oneQueue(t, o).Replicas {
		assert.False(t, r.Lost)
		assert.True(t, r.Online.Is(false))
	}
}

func TestOlderSeriesAreSeenByTheirMetrics(t *testing.T) {
	w := three()
	for node := range w.runs {
		w.runs[node] = "3.10.8"
	}
	name := rabbit.QueueName{VHost: "/", Name: "q"}
	w.queues = []rabbit.QueueInfo{quorum()}
	w.raft = map[string]rabbit.RaftGroups{
		r1: {Queues: map[rabbit.QueueName]rabbit.RaftGroup{name: {Stored: 9, CommitIndex: 9}}},
		r2: {Queues: map[rabbit.QueueName]rabbit.RaftGroup{name: {Stored: 3, CommitIndex: 3}}},
		r3: {},
	}
	q := oneQueue(t, w.observer())
	assert.EqualValues(t, r1, q.Leader)
	assert.True(t, q.Replicas[0].CaughtUp.Is(true))
	assert.True(t, q.Replicas[1].CaughtUp.Is(false))
	assert.True(t, q.Replicas[1].Voter.Is(true))
	assert.True(t, q.Replicas[2].Online.Is(false))
}

func TestStreamsAreSeenByTheirCounters(t *testing.T) {
	w := three()
	info := quorum()
	info.Type = "stream"
	w.queues = []rabbit.QueueInfo{info}
	w.streams = map[rabbit.QueueName]map[string]rabbit.StreamReplica{{VHost: "/", Name: "q"}: {
		r1: {Offset: 50, Committed: 40}, r2: {Offset: 41, Committed: 30}, r3: {Offset: 20, Committed: 20},
	}}
	q := oneQueue(t, w.observer())
	assert.EqualValues(t, r1, q.Leader)
	assert.True(t, q.Replicas[1].CaughtUp.Is(true))
	assert.True(t, q.Replicas[2].CaughtUp.Is(false))
}

func TestHowManyReplicasAQueueWants(t *testing.T) {
	for want, info := range map[int]rabbit.QueueInfo{
		0: {},
		5: {Policy: map[string]any{"target-group-size": 5.0},
			Arguments: map[string]any{"x-quorum-initial-group-size": 3.0}},
		3: {Arguments: map[string]any{"x-quorum-initial-group-size": 3.0}},
		7: {Arguments: map[string]any{"x-initial-cluster-size": 7.0}},
	} {
		assert.Equal(t, want, info.Asked())
	}
}

func TestAgainLooksAtOneQueueAndTheNodes(t *testing.T) {
	w := three()
	w.queues = []rabbit.QueueInfo{quorum()}
	w.statuses = [][]rabbit.RaftMember{{member(r1, "leader", "voter", 9, 9),
		member(r2, "follower", "voter", 9, 9), member(r3, "follower", "voter", 9, 9)}}
	o := w.observer()
	v := o.Look(t.Context())
	w.stop(r3)
	w.queues[0].Members = []string{r1, r2}
	fresh := o.Again(t.Context(), v, v.Queues[0].QueueID)
	assert.Len(t, fresh.Queues[0].Replicas, 2)
	assert.Equal(t, plan.Down, stateOf3(fresh))
	assert.Len(t, v.Queues[0].Replicas, 3, "the view before is as it was")

	w.queues = nil
	assert.Empty(t, o.Again(t.Context(), v, v.Queues[0].QueueID).Queues, "it was deleted")
}

func TestKhepriIsSeenByItsMetrics(t *testing.T) {
	w := three()
	w.raft = map[string]rabbit.RaftGroups{
		r1: {Khepri: &rabbit.RaftGroup{Stored: 9, CommitIndex: 9}},
		r2: {Khepri: &rabbit.RaftGroup{Stored: 9, CommitIndex: 8}},
		r3: {Khepri: &rabbit.RaftGroup{Stored: 2, CommitIndex: 2}},
	}
	m := w.observer().Look(t.Context()).Metadata
	assert.Equal(t, plan.Khepri, m.Store)
	assert.True(t, m.Group.Replicas[1].CaughtUp.Is(true))
	assert.True(t, m.Group.Replicas[2].CaughtUp.Is(false))
}
