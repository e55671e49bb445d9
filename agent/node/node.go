// Package node is the agent that runs a node: the entry point of its container. It settles what RabbitMQ
// can't before it starts it, keeps note of the cluster that the node is in, and takes the node out of
// service before it stops it.
package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"warren/agent/act"
	"warren/agent/loop"
	"warren/agent/observe"
	"warren/agent/peer"
	"warren/agent/plan"
	"warren/agent/rabbit"
	"warren/agent/verdict"
	"warren/internal/wait"
	"warren/topology"
)

const (
	// StopTimeout is how long a node may take to stop until the engine kills it: waiting for other nodes'
	// replicas, handing over, draining and shutting down.
	StopTimeout = 3 * time.Minute
	// waitForOthers is how much of it a node waits for others before it stops all the same. It fits into a
	// `docker stop` that somebody gives a minute; the rest is for a slow machine, where draining and stopping
	// have been seen to take half a minute each.
	waitForOthers = 30 * time.Second
	// noteInterval is between two notes of the cluster that the node is in.
	noteInterval = 5 * time.Second
)

// Agent runs one node.
type Agent struct {
	desired plan.Desired
	rabbit  *rabbit.Client
	peers   *peer.Client
	board   *peer.Board
	data    data
	log     *slog.Logger

	children children
	server   *exec.Cmd
	ended    chan struct{}
	err      error

	serving servingCache
	health  health
	desk    *verdict.Desk
	// up tells that RabbitMQ has come up since it was started.
	up atomic.Bool

	mu sync.Mutex
	// stopping are the other nodes that have said, since this one was told to stop, that they were told so
	// too.
	stopping map[plan.NodeName]bool
}

// New returns the agent of the node desired.Self. The desired nodes are the seeds and itself.
func New(desired plan.Desired, cookie string, log *slog.Logger) *Agent {
	a := &Agent{
		desired: desired, log: log, ended: make(chan struct{}), stopping: map[plan.NodeName]bool{},
		rabbit: rabbit.New(cookie, rabbit.LocalTools{}, nil), peers: peer.NewClient(cookie, nil),
		data: data{home: topology.DataPath, node: string(desired.Self)},
	}
	a.board = peer.NewBoard(peer.Preparing, a.status)
	a.desk = verdict.NewDesk(a.verdict)
	a.board.AnswerLoadBalancers(a.desk)
	return a
}

// status is what other agents are told about the node.
func (a *Agent) status(ctx context.Context) *peer.Node {
	origin := a.data.origin()
	return &peer.Node{
		Booting: a.board.Status().Phase == peer.Running && !a.up.Load(),
		Name:    string(a.desired.Self), Data: a.data.exist(), ClusterID: origin.ClusterID, Version: origin.Version,
		Serving: a.serving.get(func() bool {
			return a.rabbit.Listens(ctx, string(a.desired.Self), topology.AMQPPort)
		}),
	}
}

// servingCache keeps for a second whether the node accepts clients, so that being asked often costs
// nothing.
type servingCache struct {
	mu    sync.Mutex
	value bool
	at    time.Time
}

func (c *servingCache) get(ask func() bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.at) > time.Second {
		c.value, c.at = ask(), time.Now()
	}
	return c.value
}

// errEnded is what a run ends with when RabbitMQ ended by itself. That is a failure whatever its exit
// status is: 3.10 reports success when it could not boot.
var errEnded = errors.New("RabbitMQ ended by itself")

// Run runs the node until stop is closed, and then stops it. An error means that the container is to start
// again.
func (a *Agent) Run(ctx context.Context, cookie string, stop <-chan struct{}) error {
	go a.children.reap()
	go a.listen(ctx)
	go a.askQuietNode(ctx)
	go a.serve(ctx, cookie)
	if err := a.start(ctx, stop); err != nil {
		return err
	}
	select {
	case <-stop:
		a.stop(ctx)
		return nil
	case <-a.ended:
		return fmt.Errorf("%w: %w", errEnded, a.err)
	}
}

// serve answers other agents and load balancers until ctx ends. These take a node out whose agent does not
// answer.
func (a *Agent) serve(ctx context.Context, cookie string) {
	const rest = time.Second
	for ctx.Err() == nil {
		if err := a.board.Serve(ctx, topology.AgentPort, cookie); err != nil {
			a.log.Error("others can't ask this agent", "error", err)
		}
		_ = wait.Sleep(ctx, rest) // the loop sees that ctx has ended
	}
}

// start settles what has to be settled and starts RabbitMQ, unless stop is closed before.
func (a *Agent) start(ctx context.Context, stop <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	if !a.awaitCertificate(ctx) {
		return nil // it is to stop before it has started
	}
	desired := a.desired
	desired.Scope = plan.ScopeStart
	decision, err := a.loop(func() plan.Desired { return desired }).Run(ctx, plan.StartNode, plan.FoundCluster)
	if err != nil {
		return nil // it is to stop before it has started
	}
	if a.server == nil {
		return fmt.Errorf("%s does not start: %s", desired.Self, refusals(decision))
	}
	go a.keepNote(ctx)
	return nil
}

// awaitCertificate waits until the membership has handed over the certificates that the node's configuration
// names, if the stack has TLS: RabbitMQ does not start without them. Once it is there it stays, whatever
// becomes of the membership. It returns false if ctx ends before.
func (a *Agent) awaitCertificate(ctx context.Context) bool {
	const tryEvery = 200 * time.Millisecond
	if _, err := os.Stat(topology.TLSPath); err != nil {
		return true
	}
	for {
		missing := missingFrom(topology.TLSPath, topology.RabbitMQConfPath, topology.InterNodeOptionsPath)
		if missing == "" {
			a.board.Set(peer.Preparing, "")
			return true
		}
		a.board.Set(peer.Preparing, fmt.Sprintf("%s waits for the certificates that its membership has: "+
			"%s is not there", a.desired.Self, missing))
		if wait.Sleep(ctx, tryEvery) != nil {
			return false
		}
	}
}

func (a *Agent) loop(desired func() plan.Desired) *loop.Loop {
	names := make([]plan.NodeName, len(a.desired.Nodes))
	for i, n := range a.desired.Nodes {
		names[i] = n.Name
	}
	return &loop.Loop{
		Observer: observe.New(a.rabbit, selfAnswered{a}, names),
		Actor:    &act.Actor{RabbitMQ: a.rabbit, Tools: rabbit.LocalTools{}, Host: a},
		Desired:  desired,
		Log:      a.log,
	}
}

func refusals(decision plan.Decision) string {
	text := "nothing is left to do"
	for i, r := range decision.Refusals {
		if i == 0 {
			text = ""
		}
		text += "\n  - " + r.Text()
	}
	return text
}

// selfAnswered answers for the agent's own node without the network.
type selfAnswered struct{ *Agent }

// Status returns how an agent stands.
func (s selfAnswered) Status(ctx context.Context, host string) (peer.Status, error) {
	if host != rabbit.Host(string(s.desired.Self)) {
		return s.peers.Status(ctx, host)
	}
	status := s.board.Status()
	status.Node = s.status(ctx)
	return status, nil
}

// keepNote notes from time to time which cluster the node is in.
func (a *Agent) keepNote(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for wait.Sleep(ctx, noteInterval) == nil {
		id, err := a.rabbit.Identity(ctx, string(a.desired.Self))
		if err != nil {
			continue
		}
		a.up.Store(true)
		if err := a.data.note(id); err != nil {
			a.log.Warn("can't note which cluster the node is in", "error", err)
		}
	}
}

// Start starts RabbitMQ.
func (a *Agent) Start(context.Context) error {
	// No context ends it: it is stopped, and never killed.
	server := exec.CommandContext(context.Background(), "rabbitmq-server")
	server.Stdout, server.Stderr = os.Stdout, os.Stderr
	if err := a.children.start(server); err != nil {
		return err
	}
	a.server = server
	a.board.Set(peer.Running, "")
	go func() {
		a.err = a.children.wait(server)
		close(a.ended)
	}()
	return nil
}

// Stop stops RabbitMQ and its Erlang virtual machine.
func (a *Agent) Stop(ctx context.Context) error {
	if err := a.server.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-a.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("RabbitMQ has not stopped: %w", context.Cause(ctx))
	}
}

// SetDataAside moves the node's data to another place on its volume.
func (a *Agent) SetDataAside(context.Context) error {
	aside, err := a.data.setAside(time.Now())
	if err == nil {
		a.log.Info("the cluster let this node go: its data are set aside and may be deleted", "in", aside)
	}
	return err
}

// stop takes the node out of service and stops it.
func (a *Agent) stop(ctx context.Context) {
	if a.server == nil {
		return
	}
	a.board.Set(peer.Stopping, "")
	start := time.Now()
	var destroy atomic.Bool
	if a.wholeStackGoes(ctx) {
		destroy.Store(true)
	}
	watching, done := context.WithCancel(ctx)
	defer done()
	go func() { // the others may be told to stop a little later
		for wait.Sleep(watching, time.Second) == nil {
			if a.wholeStackGoes(watching) {
				destroy.Store(true)
			}
		}
	}()
	desired := func() plan.Desired {
		d := a.desired
		d.Scope = plan.ScopeStop
		d.Destroy = destroy.Load()
		d.OutOfTime = time.Since(start) > waitForOthers
		return d
	}
	if desired().Destroy {
		a.log.Info("the whole stack goes: stopping at once")
	} else {
		a.tellLoadBalancers(ctx)
	}
	_, err := a.loop(desired).Run(ctx, plan.StopNode)
	if err == nil {
		select {
		case <-a.ended:
		default:
			err = errors.New("nothing stopped RabbitMQ")
		}
	}
	if err != nil {
		a.log.Warn("stopping all the same", "error", err)
		if err := a.Stop(ctx); err != nil {
			a.log.Error("RabbitMQ does not stop", "error", err)
		}
	}
	a.log.Info("stopped", "after", time.Since(start).Round(100*time.Millisecond).String())
}
