package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"golang.org/x/sync/errgroup"

	"warren/topology"
)

// Bounds on what is asked of one node, so that a cluster is observed in little more than requestTimeout whatever
// state it is in.
const (
	execTimeout = 5 * time.Second
	// parallelQueues bounds how many queues' replicas are asked for at once.
	parallelQueues = 8
)

// StateMissing is the state of a container that does not exist.
const StateMissing = "missing"

// Observe looks at every node, queue and load-balanced server. Nodes that do not answer are part of the answer, not an
// error: it fails only when the Docker Engine does or ctx ends.
func (c *Cluster) Observe(ctx context.Context) (Status, error) {
	status := Status{Time: time.Now(), Nodes: make([]NodeStatus, len(c.outputs.Nodes))}
	group, groupCtx := errgroup.WithContext(ctx)
	for i, node := range c.outputs.Nodes {
		group.Go(func() (err error) {
			status.Nodes[i], err = c.observeNode(groupCtx, node)
			return err
		})
	}
	group.Go(func() (err error) {
		status.LoadBalancer, err = c.observeLoadBalancer(groupCtx)
		return err
	})
	if err := group.Wait(); err != nil {
		return Status{}, fmt.Errorf("observe the cluster: %w", err)
	}
	for i := range status.Nodes {
		status.Nodes[i].Drained = slices.ContainsFunc(status.Nodes, func(peer NodeStatus) bool {
			return slices.Contains(peer.drainedPeers, status.Nodes[i].NodeName)
		})
	}
	// Queues and connections are the same whichever node is asked, as long as the nodes see each other. Ask the one that
	// sees most of them.
	asked := slices.Clone(status.Nodes)
	slices.SortStableFunc(asked, func(a, b NodeStatus) int { return len(b.Running) - len(a.Running) })
	status.QueuesError = ErrNoNodeAnswers.Error()
	for _, node := range asked {
		if !node.Answers() {
			continue
		}
		if err := c.observeContents(ctx, node.NodeOutput, &status); err != nil {
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

func (c *Cluster) observeLoadBalancer(ctx context.Context) (LoadBalancerStatus, error) {
	status := LoadBalancerStatus{LoadBalancerOutput: c.outputs.LoadBalancer}
	var err error
	if status.State, err = c.State(ctx, status.Container); err != nil {
		return status, err
	}
	if status.State != "running" {
		status.Error = "container " + status.State
		return status, nil
	}
	if status.Servers, err = c.Servers(ctx); err != nil {
		status.Error = err.Error()
	}
	return status, nil
}

func (c *Cluster) observeNode(ctx context.Context, node topology.NodeOutput) (NodeStatus, error) {
	status := NodeStatus{NodeOutput: node}
	var err error
	if status.State, err = c.State(ctx, node.Container); err != nil {
		return status, err
	}
	if status.State != "running" {
		status.Error = "container " + status.State
		return status, nil
	}
	var group errgroup.Group
	group.Go(func() error {
		found := c.probe(ctx, node)
		status.Runtime, status.AMQP, status.CookieDigest = found.runtime, found.amqp, found.cookieDigest
		return nil
	})
	group.Go(func() error { return c.observeView(ctx, node, &status) })
	if err := group.Wait(); err != nil {
		status.Error = err.Error()
	}
	return status, nil
}

// State returns the state of a container, StateMissing if there is none of that name.
func (c *Cluster) State(ctx context.Context, containerName string) (string, error) {
	inspected, err := c.Inspect(ctx, containerName)
	switch {
	case errdefs.IsNotFound(err):
		return StateMissing, nil
	case err != nil:
		return "", err
	default:
		return inspected.State.Status, nil
	}
}

// probed is what can be seen from inside a node's container without an Erlang virtual machine of one's own.
type probed struct {
	runtime, amqp bool
	cookieDigest  string
}

// probe looks into a node's container. A published port accepts connections even when nothing listens behind it, so the
// listeners are tried from inside; and RabbitMQ logs a warning about clients that leave after the greeting, so they
// leave before it.
func (c *Cluster) probe(ctx context.Context, node topology.NodeOutput) probed {
	ctx, cancel := context.WithTimeout(ctx, execTimeout)
	defer cancel()
	const script = `for port in 25672 5672; do
  (: </dev/tcp/127.0.0.1/$port) 2>/dev/null && echo up || echo down
done
cat /var/lib/rabbitmq/.erlang.cookie`
	result, err := c.Exec(ctx, node.Container, "bash", "-c", script)
	if err != nil {
		return probed{}
	}
	lines := strings.SplitN(result.Stdout, "\n", 3)
	if len(lines) < 3 {
		return probed{}
	}
	found := probed{runtime: lines[0] == "up", amqp: lines[1] == "up"}
	if cookie := strings.TrimSpace(lines[2]); cookie != "" {
		digest := sha256.Sum256([]byte(cookie))
		found.cookieDigest = hex.EncodeToString(digest[:])
	}
	return found
}

// observeView asks a node's own management API how it sees itself and its peers.
func (c *Cluster) observeView(ctx context.Context, node topology.NodeOutput, status *NodeStatus) error {
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
	var group errgroup.Group
	group.Go(func() error {
		return c.get(ctx, node, "overview?columns=rabbitmq_version,erlang_version", &overview)
	})
	group.Go(func() error {
		return c.get(ctx, node, "nodes?columns=name,type,running,partitions,being_drained,mem_alarm,mem_used,mem_limit,"+
			"disk_free_alarm,disk_free,disk_free_limit,uptime", &nodes)
	})
	group.Go(func() error { return c.get(ctx, node, "feature-flags", &flags) })
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
func (c *Cluster) observeContents(ctx context.Context, node topology.NodeOutput, status *Status) error {
	var connections []struct {
		Node string `json:"node"`
	}
	var queues []Queue
	var group errgroup.Group
	group.Go(func() error { return c.get(ctx, node, "connections?columns=node", &connections) })
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

// Queues returns the queues of the cluster, exclusive ones left out, as one node knows them, with the replicas of quorum
// queues as Raft has them.
func (c *Cluster) Queues(ctx context.Context, node topology.NodeOutput) ([]Queue, error) {
	infos, err := c.Management(ctx, node).ListQueuesWithParameters(queueColumns)
	if err != nil {
		return nil, fmt.Errorf("list queues on %s: %w", node.Name, err)
	}
	var queues []Queue
	for _, info := range infos {
		if !info.Exclusive {
			queues = append(queues, newQueue(info))
		}
	}
	slices.SortFunc(queues, func(a, b Queue) int {
		return strings.Compare(a.VHost+"\x00"+a.Name, b.VHost+"\x00"+b.Name)
	})
	var group errgroup.Group
	group.SetLimit(parallelQueues)
	for i := range queues {
		if queues[i].Type == "quorum" {
			group.Go(func() error { return c.askReplicas(ctx, node, &queues[i]) })
		}
	}
	return queues, group.Wait()
}

// askReplicas replaces what the queue's record says of its replicas by what they say themselves. The record counts a
// replica as online when its node runs, and keeps the last leader until there is another one.
func (c *Cluster) askReplicas(ctx context.Context, node topology.NodeOutput, queue *Queue) error {
	var replicas []replica
	path := "queues/quorum/" + url.PathEscape(queue.VHost) + "/" + url.PathEscape(queue.Name) + "/status"
	err := c.get(ctx, node, path, &replicas)
	var status *statusError
	if errors.As(err, &status) && status.code < http.StatusInternalServerError {
		// A series that knows nothing of this (3.10 takes the path for a malformed one), or a queue that has just been deleted.
		return nil
	}
	if err != nil {
		return err
	}
	queue.Online, queue.Leader = nil, ""
	for _, replica := range replicas {
		switch replica.State {
		case "leader":
			queue.Leader = replica.Node
			queue.Online = append(queue.Online, replica.Node)
		case "follower":
			queue.Online = append(queue.Online, replica.Node)
		}
	}
	slices.Sort(queue.Online)
	return nil
}

// replica is a quorum queue's member as /api/queues/quorum/{vhost}/{name}/status shows it.
type replica struct {
	Node  string `json:"Node Name"`
	State string `json:"Raft State"`
}

// statusError is an answer of the management API other than 200.
type statusError struct {
	path   string
	code   int
	status string
}

func (e *statusError) Error() string { return fmt.Sprintf("GET /api/%s: %s", e.path, e.status) }

// get decodes what a node's management API answers to GET /api/{path}.
func (c *Cluster) get(ctx context.Context, node topology.NodeOutput, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	url := "http://" + c.address(node.ManagementPort) + "/api/" + path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	path, _, _ = strings.Cut(path, "?") // the errors need no more
	if err != nil {
		return fmt.Errorf("GET /api/%s: %w", path, err)
	}
	request.SetBasicAuth(c.outputs.Username, c.outputs.Password)
	response, err := c.http.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("GET /api/%s: %w", path, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return &statusError{path, response.StatusCode, response.Status}
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("GET /api/%s: %w", path, err)
	}
	return nil
}

// View returns the nodes that one node counts as members of its cluster, and those of them that it sees running.
func (c *Cluster) View(ctx context.Context, node topology.NodeOutput) (members, running []string, err error) {
	var status NodeStatus
	if err := c.observeView(ctx, node, &status); err != nil {
		return nil, nil, fmt.Errorf("ask %s for its view of the cluster: %w", node.Name, err)
	}
	return status.Members, status.Running, nil
}
