package cluster

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
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
	execTimeout      = 5 * time.Second
	handshakeTimeout = 2 * time.Second
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
		status.AMQP = greets(ctx, c.AMQPAddress(node))
		return nil
	})
	group.Go(func() error {
		status.CookieDigest, status.Runtime = c.probe(ctx, node)
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
		return string(inspected.State.Status), nil
	}
}

// probe looks into a node's container, without starting an Erlang virtual machine there: the digest of the cookie, and
// whether the node accepts connections from its peers.
func (c *Cluster) probe(ctx context.Context, node topology.NodeOutput) (cookieDigest string, runtime bool) {
	ctx, cancel := context.WithTimeout(ctx, execTimeout)
	defer cancel()
	const script = `(: </dev/tcp/127.0.0.1/25672) 2>/dev/null && echo up || echo down
cat /var/lib/rabbitmq/.erlang.cookie`
	result, err := c.Exec(ctx, node.Container, "bash", "-c", script)
	if err != nil {
		return "", false
	}
	state, cookie, _ := strings.Cut(result.Stdout, "\n")
	if cookie = strings.TrimSpace(cookie); cookie != "" {
		digest := sha256.Sum256([]byte(cookie))
		cookieDigest = hex.EncodeToString(digest[:])
	}
	return cookieDigest, state == "up"
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
		if n.Name != node.NodeName {
			continue
		}
		status.ActualType, status.Partitions, status.Drained = n.Type, n.Partitions, n.Drained
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
		queues, err = c.queues(ctx, node)
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

// queues returns the queues of the cluster, with the replicas of quorum queues as Raft has them.
func (c *Cluster) queues(ctx context.Context, node topology.NodeOutput) ([]Queue, error) {
	infos, err := c.Management(ctx, node).ListQueues()
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
	if errors.As(err, &status) && status.code == http.StatusNotFound {
		return nil // a series that cannot tell, or a queue that has just been deleted
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

// greets tells whether an AMQP server answers at an address. A published port accepts connections even when nothing
// listens behind it, so the protocol header is sent and an answer awaited.
func greets(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return false
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return false
	}
	if _, err := conn.Write([]byte("AMQP\x00\x00\x09\x01")); err != nil {
		return false
	}
	// A server that speaks AMQP 0-9-1 answers with a method frame (type 1) on channel 0: connection.start.
	start := make([]byte, 3)
	_, err = io.ReadFull(conn, start)
	return err == nil && bytes.Equal(start, []byte{1, 0, 0})
}

// Greets tells whether a node answers AMQP clients.
func (c *Cluster) Greets(ctx context.Context, node topology.NodeOutput) bool {
	return greets(ctx, c.AMQPAddress(node))
}

// View returns the nodes that one node counts as members of its cluster, and those of them that it sees running.
func (c *Cluster) View(ctx context.Context, node topology.NodeOutput) (members, running []string, err error) {
	var status NodeStatus
	if err := c.observeView(ctx, node, &status); err != nil {
		return nil, nil, fmt.Errorf("ask %s for its view of the cluster: %w", node.Name, err)
	}
	return status.Members, status.Running, nil
}
