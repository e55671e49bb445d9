package health

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"warren/operate/cluster"
	"warren/topology"
)

// Bounds on what is asked of one node, so that a cluster is observed in little more than
// cluster.RequestTimeout whatever state it is in.
const (
	execTimeout = 5 * time.Second
)

// Observe looks at every node, queue and load-balanced server. Nodes that do not answer are part of the
// answer, not an error: it fails only when the Docker Engine does or ctx ends.
func Observe(ctx context.Context, c *cluster.Cluster) (Status, error) {
	status := Status{
		Time: time.Now(), Nodes: make([]NodeStatus, len(c.Nodes())),
		OutputsIncomplete: outputsIncomplete(c.Outputs()),
		Series:            c.Outputs().RabbitMQSeries, Username: c.Outputs().Username,
	}
	nonce := rand.Text()
	group, groupCtx := errgroup.WithContext(ctx)
	for i, node := range c.Nodes() {
		group.Go(func() (err error) {
			status.Nodes[i], err = observeNode(groupCtx, c, node, nonce)
			return err
		})
	}
	status.LoadBalancers = make([]LoadBalancerStatus, len(c.LoadBalancers()))
	for i, balancer := range c.LoadBalancers() {
		group.Go(func() (err error) {
			status.LoadBalancers[i], err = observeLoadBalancer(groupCtx, c, balancer)
			return err
		})
	}
	group.Go(func() error {
		status.Certificates = observeCertificates(groupCtx, c)
		return nil
	})
	group.Go(func() (err error) {
		status.Helpers, err = observeHelpers(groupCtx, c)
		return err
	})
	if err := group.Wait(); err != nil {
		return Status{}, fmt.Errorf("observe the cluster: %w", err)
	}
	status.LoadBalancer = status.LoadBalancers[0]
	for i := range status.Nodes {
		status.Nodes[i].Drained = slices.ContainsFunc(status.Nodes, func(peer NodeStatus) bool {
			return slices.Contains(peer.drainedPeers, status.Nodes[i].NodeName)
		})
	}
	// Queues and connections are the same whichever node is asked, as long as the nodes see each other. Ask
	// the one that sees most of them.
	asked := slices.Clone(status.Nodes)
	slices.SortStableFunc(asked, func(a, b NodeStatus) int { return len(b.Running) - len(a.Running) })
	status.QueuesError = cluster.ErrNoNodeAnswers.Error()
	for _, node := range asked {
		if !node.Answers() {
			continue
		}
		if err := observeContents(ctx, c, node.NodeOutput, &status); err != nil {
			status.QueuesError = err.Error()
			continue
		}
		status.QueuesError = ""
		break
	}
	if err := ctx.Err(); err != nil {
		return Status{}, fmt.Errorf("observe the cluster: %w", context.Cause(ctx))
	}
	return status, nil
}

func observeLoadBalancer(
	ctx context.Context, c *cluster.Cluster, balancer topology.LoadBalancerOutput,
) (LoadBalancerStatus, error) {
	status := LoadBalancerStatus{LoadBalancerOutput: balancer}
	var err error
	if status.State, err = c.State(ctx, status.Container); err != nil {
		return status, err
	}
	if status.State != stateRunning {
		status.Error = "container " + status.State
		return status, nil
	}
	if status.Servers, err = c.ServersOf(ctx, balancer); err != nil {
		status.Error = err.Error()
	}
	return status, nil
}

func observeNode(
	ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, nonce string,
) (NodeStatus, error) {
	status := NodeStatus{NodeOutput: node}
	var err error
	if status.State, err = c.State(ctx, node.Container); err != nil {
		return status, err
	}
	if status.State != stateRunning {
		status.Error = "container " + status.State
		return status, nil
	}
	var group errgroup.Group
	group.Go(func() error {
		found := probe(ctx, c, node, nonce)
		status.Runtime, status.AMQP, status.CookieDigest = found.runtime, found.amqp, found.cookieDigest
		return nil
	})
	group.Go(func() error { return observeView(ctx, c, node, &status) })
	if err := group.Wait(); err != nil {
		status.Error = err.Error()
		var answer *cluster.StatusError
		status.Refuses = errors.As(err, &answer) && answer.Code == http.StatusUnauthorized
	}
	return status, nil
}

// probed is what can be seen from inside a node's container without an Erlang virtual machine of one's own.
type probed struct {
	runtime, amqp bool
	cookieDigest  string
}

// probeScript tries the ports that are its arguments and prints "up" or "down" for each, and then a digest
// of the Erlang cookie in the file that is its name. The cookie stays in the container, and out of the
// arguments of commands. The nonce makes the digest one that nobody can look up or compare with another one
// later.
const probeScript = `nonce=$1
for port in "${@:2}"; do
  (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && echo up || echo down
done
cookie=$(<"$0") && [[ $cookie ]] && printf '%s %s' "$nonce" "$cookie" | sha256sum`

// probe looks into a node's container. A published port accepts connections even when nothing listens
// behind it, so the listeners are tried from inside; and RabbitMQ logs a warning about clients that leave
// after the greeting, so they leave before it.
func probe(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, nonce string) probed {
	ctx, cancel := context.WithTimeout(ctx, execTimeout)
	defer cancel()
	result, err := c.Exec(ctx, node.Container, "bash", "-c", probeScript, topology.DataCookiePath,
		nonce, strconv.Itoa(topology.DistributionPort), strconv.Itoa(topology.AMQPPort))
	if err != nil {
		return probed{}
	}
	return parseProbe(result.Stdout)
}

func parseProbe(output string) probed {
	lines := strings.SplitN(output, "\n", 3)
	if len(lines) < 3 {
		return probed{}
	}
	digest, _, _ := strings.Cut(lines[2], " ")
	return probed{runtime: lines[0] == "up", amqp: lines[1] == "up", cookieDigest: strings.TrimSpace(digest)}
}

// observeView asks a node's own management API how it sees itself and its peers.
func observeView(
	ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, status *NodeStatus,
) error {
	var overview struct {
		Version       string `json:"rabbitmq_version"`
		ErlangVersion string `json:"erlang_version"`
	}
	var nodes []struct {
		Name          string            `json:"name"`
		Type          topology.NodeType `json:"type"`
		Running       bool              `json:"running"`
		Partitions    []string          `json:"partitions"`
		Drained       bool              `json:"being_drained"`
		MemoryAlarm   bool              `json:"mem_alarm"`
		MemoryUsed    int64             `json:"mem_used"`
		MemoryLimit   int64             `json:"mem_limit"`
		DiskAlarm     bool              `json:"disk_free_alarm"`
		DiskFree      diskFree          `json:"disk_free"`
		DiskFreeLimit int64             `json:"disk_free_limit"`
		Uptime        int64             `json:"uptime"` // milliseconds
	}
	var flags []struct {
		Name  string `json:"name"`
		State string `json:"state"`
	}
	var parameters []struct {
		Name  string `json:"name"`
		Value any    `json:"value"`
	}
	var group errgroup.Group
	group.Go(func() error {
		return c.Get(ctx, node, "overview?columns=rabbitmq_version,erlang_version", &overview)
	})
	group.Go(func() error {
		return c.Get(ctx, node,
			"nodes?columns=name,type,running,partitions,being_drained,mem_alarm,mem_used,mem_limit,"+
				"disk_free_alarm,disk_free,disk_free_limit,uptime", &nodes)
	})
	group.Go(func() error { return c.Get(ctx, node, "feature-flags", &flags) })
	group.Go(func() error { return c.Get(ctx, node, "global-parameters", &parameters) })
	if err := group.Wait(); err != nil {
		return err
	}
	status.Version, status.ErlangVersion = overview.Version, overview.ErlangVersion
	for _, flag := range flags {
		if flag.State == "enabled" {
			status.FeatureFlags = append(status.FeatureFlags, flag.Name)
		}
	}
	slices.Sort(status.FeatureFlags)
	for _, parameter := range parameters {
		if id, isText := parameter.Value.(string); isText && parameter.Name == "internal_cluster_id" {
			status.ClusterID = id
		}
	}
	for _, n := range nodes {
		status.Members = append(status.Members, n.Name)
		if n.Running {
			status.Running = append(status.Running, n.Name)
		}
		if n.Drained {
			status.drainedPeers = append(status.drainedPeers, n.Name)
		}
		if n.Name != node.NodeName {
			continue
		}
		status.ActualType, status.Partitions = n.Type, n.Partitions
		status.MemoryAlarm, status.MemoryUsed, status.MemoryLimit = n.MemoryAlarm, n.MemoryUsed, n.MemoryLimit
		status.DiskAlarm, status.DiskFree, status.DiskFreeLimit = n.DiskAlarm, int64(n.DiskFree), n.DiskFreeLimit
		status.Uptime = time.Duration(n.Uptime) * time.Millisecond
	}
	slices.Sort(status.Members)
	slices.Sort(status.Running)
	return nil
}

// diskFree is an amount of bytes, or the string "NaN" which the API gives until the first measurement.
type diskFree int64

func (d *diskFree) UnmarshalJSON(data []byte) error {
	var bytes int64
	if json.Unmarshal(data, &bytes) == nil {
		*d = diskFree(bytes)
	}
	return nil
}

// observeContents asks one node for the cluster's queues and connections, and counts them per node.
func observeContents(
	ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, status *Status,
) error {
	var connections []struct {
		Node string `json:"node"`
	}
	var queues []cluster.Queue
	var group errgroup.Group
	group.Go(func() error { return c.Get(ctx, node, "connections?columns=node", &connections) })
	group.Go(func() (err error) {
		queues, err = c.Queues(ctx, node)
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	status.Queues = queues
	for i := range status.Nodes {
		n := &status.Nodes[i]
		for _, connection := range connections {
			if connection.Node == n.NodeName {
				n.Connections++
			}
		}
		for _, queue := range queues {
			if queue.Leader == n.NodeName {
				n.Leaders++
			}
			if slices.Contains(queue.Members, n.NodeName) {
				n.Replicas++
			}
		}
	}
	return nil
}

// View returns the nodes that one node counts as members of its cluster, and those of them that it sees
// running.
func View(
	ctx context.Context, c *cluster.Cluster, node topology.NodeOutput,
) (members, running []string, err error) {
	var status NodeStatus
	if err := observeView(ctx, c, node, &status); err != nil {
		return nil, nil, fmt.Errorf("ask %s for its view of the cluster: %w", node.Name, err)
	}
	return status.Members, status.Running, nil
}
