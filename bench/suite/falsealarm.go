package suite

import (
	"warren/bench/compare"
	"warren/bench/crew"
	"warren/bench/lab"
	"warren/bench/load"

	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"
	"golang.org/x/sync/errgroup"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault"
	"warren/verify/history"
	"warren/verify/traffic"
)

// What counts as an alarm when nothing has failed.
const (
	alarmElections   = "elections"
	alarmLinks       = "links lost between nodes"
	alarmServers     = "servers taken out"
	alarmConnections = "client connections lost"
	alarmTotal       = "in all"
)

// falseAlarms counts alarms while the machine and the network are slow and nothing is broken.
func falseAlarms() []compare.Comparison {
	var metrics []compare.Metric
	for _, name := range []string{alarmTotal, alarmElections, alarmLinks, alarmServers, alarmConnections} {
		metrics = append(metrics, compare.Metric{Name: name, Unit: compare.Times})
	}
	comparison := compare.Comparison{
		Name: "false-alarms",
		Shows: "Alarms without a failure, with both clusters under the same strain at the same time: full load " +
			"on all cores, long garbage collections, round trips of 200 ms, nodes that freeze for 2 s.",
		Metrics: metrics,
		Sides:   []compare.Side{{Name: "Warren and stock settings", Measure: watchForAlarms}},
		Once:    true,
	}
	for _, m := range metrics {
		comparison.Claims = append(comparison.Claims,
			compare.Claim{Row: rowWarren, Metric: m.Name, Against: rowStock, Difference: true})
	}
	return []compare.Comparison{comparison}
}

// strain is something that slows a cluster down without breaking it.
type strain struct {
	name string
	// apply strains all clusters until ctx ends, and leaves nothing behind.
	apply func(ctx context.Context, place *lab.Lab, watched []*observer) error
}

// strains share the time of the run evenly.
var strains = []strain{
	{"full load on all cores", overload},
	{"long garbage collections", collectGarbage},
	{"round trips of 200 ms", slowDown},
	{"nodes that freeze for 2 s", freeze},
}

// restBetween lets the consequences of one strain show before the next begins.
const restBetween = 10 * time.Second

func watchForAlarms(ctx context.Context, place *lab.Lab) ([]compare.Sample, error) {
	stock, err := place.Stock(ctx)
	if err != nil {
		return nil, err
	}
	observers := []*observer{{row: rowWarren, cluster: place.Warren}, {row: rowStock, cluster: stock}}
	for _, o := range observers {
		defer place.CleanUp(ctx, o.end)
		if err := o.begin(ctx); err != nil {
			return nil, err
		}
	}
	for _, s := range strains {
		straining, cancel := context.WithTimeout(ctx, place.AlarmTime/time.Duration(len(strains)))
		err := s.apply(straining, place, observers)
		cancel()
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		_ = wait.Sleep(ctx, restBetween)
	}
	var samples []compare.Sample
	for _, o := range observers {
		values, err := o.count(ctx)
		if err != nil {
			return nil, err
		}
		samples = append(samples, compare.Sample{Row: o.row, Values: values})
	}
	return samples, nil
}

// observer watches one cluster.
type observer struct {
	row     string
	cluster *cluster.Cluster

	rig      *rig
	target   fault.Target
	recorder *history.Recorder
	clients  crew.Running
	flooded  traffic.Queue
	began    time.Time
	terms    map[string]float64
}

// begin starts a steady flow of messages, and takes note of how things are.
func (o *observer) begin(ctx context.Context) error {
	o.rig = &rig{cluster: o.cluster, sound: true, crews: []crew.Crew{crew.Warren}}
	if err := o.rig.WaitHealthy(ctx); err != nil {
		return err
	}
	var err error
	if o.target, err = o.rig.Prepare(ctx, "alarms"); err != nil {
		return err
	}
	o.flooded = traffic.Queue{Name: queuePrefix + "flooded", Type: topology.QuorumQueue}
	if err := lab.DeclareQueue(ctx, o.flooded, o.cluster); err != nil {
		return err
	}
	o.recorder = history.NewRecorder("false-alarms", o.rig.Paths()...)
	f, err := o.rig.Start(o.target, o.recorder)
	if err != nil {
		return err
	}
	o.clients = f
	if err := lab.Patiently(ctx, f.Ready); err != nil {
		return err
	}
	o.began = time.Now()
	o.terms, err = terms(ctx, o.cluster)
	return err
}

func (o *observer) end(ctx context.Context) error {
	if o.clients == nil {
		return nil
	}
	return errors.Join(o.clients.Close(ctx), o.rig.Clear(ctx, o.target))
}

// count counts what happened since begin.
func (o *observer) count(ctx context.Context) (map[string]float64, error) {
	now := time.Now()
	terms, err := terms(ctx, o.cluster)
	if err != nil {
		return nil, err
	}
	values := map[string]float64{}
	for group, term := range terms {
		values[alarmElections] += term - o.terms[group]
	}
	for _, node := range o.cluster.Nodes() {
		log, err := o.cluster.Logs(ctx, node.Container, o.began, now)
		if err != nil {
			return nil, err
		}
		values[alarmLinks] += float64(len(linkLost.FindAllString(log, -1)))
	}
	log, err := o.cluster.Logs(ctx, o.cluster.Outputs().LoadBalancer.Container, o.began, now)
	if err != nil {
		return nil, err
	}
	values[alarmServers] = float64(len(serverDown.FindAllString(log, -1)))
	values[alarmConnections] = float64(countDisconnected(o.recorder.History()))
	values[alarmTotal] = values[alarmElections] + values[alarmLinks] + values[alarmServers] +
		values[alarmConnections]
	return values, nil
}

var (
	// linkLost is what a node logs when it no longer hears another. Every loss is logged at both ends.
	linkLost = regexp.MustCompile(`node \S+ down: `)
	// serverDown is what HAProxy logs when it takes a server out of service. It warns on standard error as well;
	// this is the line with nothing but the Engine's timestamp before it.
	serverDown = regexp.MustCompile(`(?m)^\S+ Server amqp/\S+ is DOWN`)
)

// countDisconnected counts the times at which a client lost its connection.
func countDisconnected(h history.History) int {
	lost := 0
	for _, e := range h.Events {
		if e.Kind == history.Client && strings.HasPrefix(e.Text, "disconnected") {
			lost++
		}
	}
	return lost
}

// raftTerm matches the current term of a Raft group in a node's metrics; its labels name the group.
var raftTerm = regexp.MustCompile(`(?m)^rabbitmq_(?:detailed_)?raft_term(?:_total)?(\{[^}]*\}) ([0-9.e+]+)$`)

// terms are the highest terms that the nodes know of each Raft group: queues and the metadata store. Every
// election begins a term.
func terms(ctx context.Context, c *cluster.Cluster) (map[string]float64, error) {
	found := map[string]float64{}
	for _, node := range c.Nodes() {
		// The port of the metrics is not published; bash reads it without starting an Erlang machine.
		const get = `exec 3<>/dev/tcp/127.0.0.1/$0; printf 'GET %s HTTP/1.0\r\n\r\n' /metrics/per-object >&3; cat <&3`
		metrics, err := c.Run(ctx, node.Container, "bash", "-c", get, strconv.Itoa(topology.PrometheusPort))
		if err != nil {
			return nil, err
		}
		for _, match := range raftTerm.FindAllStringSubmatch(metrics, -1) {
			var term float64
			if _, err := fmt.Sscan(match[2], &term); err != nil {
				return nil, fmt.Errorf("metrics of %s: %w", node.Name, err)
			}
			found[match[1]] = max(found[match[1]], term)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("the nodes' metrics tell no Raft terms")
	}
	return found, nil
}

// overload floods every cluster with messages and also keeps every core busy.
func overload(ctx context.Context, place *lab.Lab, watched []*observer) error {
	stop, err := burn(ctx, place)
	if err != nil {
		return err
	}
	defer stop()
	flood := usual
	flood.Consumers = 1
	var group errgroup.Group
	for _, o := range watched {
		endpoint := o.cluster.Outputs().AMQPURL
		group.Go(func() error { return flood.Client.Produce(ctx, endpoint, o.flooded.Name, flood, &load.Meter{}) })
		group.Go(func() error { return flood.Client.Consume(ctx, endpoint, o.flooded.Name, flood, &load.Meter{}) })
	}
	return group.Wait()
}

// burn starts a container that keeps every core busy.
func burn(ctx context.Context, place *lab.Lab) (stop func(), err error) {
	docker := place.Warren.Docker()
	const spin = `for i in $(seq "$(nproc)"); do while :; do :; done & done; wait`
	created, err := docker.ContainerCreate(ctx,
		&container.Config{Image: topology.NetworkToolsImage, Cmd: []string{"bash", "-c", spin},
			Labels: map[string]string{topology.LabelStack: "bench-burn"}}, nil, nil, nil, "")
	if err != nil {
		return nil, fmt.Errorf("start a container that keeps all cores busy: %w", err)
	}
	stop = func() {
		place.CleanUp(ctx, func(ctx context.Context) error {
			return docker.ContainerRemove(ctx, created.ID, container.RemoveOptions{Force: true})
		})
	}
	if err := docker.ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil {
		stop()
		return nil, fmt.Errorf("start a container that keeps all cores busy: %w", err)
	}
	return stop, nil
}

// collectGarbage makes every node build and collect a large heap over and over.
func collectGarbage(ctx context.Context, _ *lab.Lab, watched []*observer) error {
	// Lists of three million numbers take 48 MB, and some more while they are copied by the collector.
	const pressure = "[begin L = lists:seq(1, 3000000), erlang:garbage_collect(), length(L) end || _ <- " +
		"lists:seq(1, 10)], [erlang:garbage_collect(P) || P <- processes()], ok."
	var group errgroup.Group
	for _, o := range watched {
		for _, node := range o.cluster.Nodes() {
			group.Go(func() error {
				for ctx.Err() == nil {
					if _, err := o.cluster.Run(ctx, node.Container, "rabbitmqctl", "eval", pressure); err != nil &&
						ctx.Err() == nil {
						return err
					}
				}
				return nil
			})
		}
	}
	return group.Wait()
}

// slowDown delays what the nodes of a cluster send to each other.
func slowDown(ctx context.Context, place *lab.Lab, watched []*observer) error {
	slow, err := fault.Find("slow-network")
	if err != nil {
		return err
	}
	for _, o := range watched {
		if err := slow.Available(o.cluster); err != nil {
			return err
		}
		injection, err := slow.Inject(ctx, o.cluster, o.target)
		if err != nil {
			return err
		}
		defer place.CleanUp(ctx, injection.Heal)
	}
	<-ctx.Done()
	return nil
}

// freezeTime is how long a virtual machine may stand still, while it is migrated or its host is busy, without
// having failed.
const freezeTime = 2 * time.Second

// freeze freezes one node of each cluster after the other, at the same time in all clusters.
func freeze(ctx context.Context, place *lab.Lab, watched []*observer) error {
	const between = 6 * time.Second // lets everything that waits settle
	for i := 0; ctx.Err() == nil; i++ {
		var group sync.WaitGroup
		problems := make([]error, len(watched))
		for j, o := range watched {
			c := o.cluster
			name := c.Nodes()[i%len(c.Nodes())].Container
			group.Go(func() {
				if problems[j] = c.Pause(ctx, name); problems[j] == nil {
					_ = wait.Sleep(ctx, freezeTime)
					place.CleanUp(ctx, func(ctx context.Context) error { return c.Unpause(ctx, name) })
				}
			})
		}
		group.Wait()
		if err := errors.Join(problems...); err != nil && ctx.Err() == nil {
			return err
		}
		_ = wait.Sleep(ctx, between)
	}
	return nil
}
