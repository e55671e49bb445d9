package rabbit

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"warren/topology"
)

// Identity is what a running node says of itself, without credentials.
type Identity struct {
	Node string
	// ClusterID is the permanent ID of the node's cluster, which it takes over as it joins and loses as it
	// is reset.
	ClusterID string
	// Version is such as "4.3.6".
	Version string
}

// Identity returns a node's identity. It fails unless RabbitMQ runs on the node.
func (c *Client) Identity(ctx context.Context, node string) (Identity, error) {
	var id Identity
	err := c.scrape(ctx, node, "/metrics/detailed", func(s sample) {
		switch s.name {
		case "rabbitmq_identity_info":
			id.Node, id.ClusterID = s.labels["rabbitmq_node"], s.labels["rabbitmq_cluster_permanent_id"]
		case "rabbitmq_build_info":
			id.Version = s.labels["rabbitmq_version"]
		}
	})
	if err == nil && (id.ClusterID == "" || id.Version == "") {
		err = fmt.Errorf("%s does not tell yet which cluster it is in", node)
	}
	return id, err
}

// RaftGroup is one Raft member on one node. Stored is how far it has the log on its disk, as entries or in a
// snapshot: the last entry written of a member that got a snapshot stays behind that until it gets another
// entry.
type RaftGroup struct{ Stored, CommitIndex Index }

// RaftGroups are the Raft members that run on one node: of quorum queues, and of the metadata store.
type RaftGroups struct {
	Queues map[QueueName]RaftGroup
	// Khepri is nil if the node's metadata store is another.
	Khepri *RaftGroup
}

// Raft returns the Raft members that run on a node, of all quorum queues in one answer.
func (c *Client) Raft(ctx context.Context, node string) (RaftGroups, error) {
	groups := RaftGroups{Queues: map[QueueName]RaftGroup{}}
	err := c.scrape(ctx, node, "/metrics/detailed?family=ra_metrics", func(s sample) {
		var set func(*RaftGroup)
		switch s.name {
		case "rabbitmq_detailed_raft_commit_index", "rabbitmq_detailed_raft_log_commit_index":
			set = func(g *RaftGroup) { g.CommitIndex = Index(s.value) }
		case "rabbitmq_detailed_raft_last_written_index", "rabbitmq_detailed_raft_log_last_written_index",
			"rabbitmq_detailed_raft_snapshot_index", "rabbitmq_detailed_raft_log_snapshot_index":
			set = func(g *RaftGroup) { g.Stored = max(g.Stored, Index(s.value)) }
		default:
			return
		}
		if queue, ok := s.labels["queue"]; ok {
			name := QueueName{s.labels["vhost"], queue}
			group := groups.Queues[name]
			set(&group)
			groups.Queues[name] = group
		} else if s.labels["module"] == "rabbit_khepri" {
			if groups.Khepri == nil {
				groups.Khepri = &RaftGroup{}
			}
			set(groups.Khepri)
		}
	})
	return groups, err
}

// sample is one line of metrics.
type sample struct {
	name   string
	labels map[string]string
	value  float64
}

// scrape reads metrics of a node.
func (c *Client) scrape(ctx context.Context, node, path string, each func(sample)) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet,
		"http://"+address(node, topology.PrometheusPort)+path, nil)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return &StatusError{Node: node, Request: "GET " + path, Status: response.StatusCode}
	}
	return parseMetrics(response.Body, each)
}

// parseMetrics reads Prometheus' text format.
func parseMetrics(text io.Reader, each func(sample)) error {
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		s, err := parseSample(line)
		if err != nil {
			return err
		}
		each(s)
	}
	return lines.Err()
}

var errSample = errors.New("not a metric")

func parseSample(line string) (sample, error) {
	s := sample{labels: map[string]string{}}
	end := strings.IndexAny(line, "{ ")
	if end < 0 {
		return s, fmt.Errorf("%w: %q", errSample, line)
	}
	s.name, line = line[:end], line[end:]
	if line[0] == '{' {
		var err error
		if line, err = parseLabels(line[1:], s.labels); err != nil {
			return s, err
		}
	}
	value, err := strconv.ParseFloat(strings.Fields(line + " ?")[0], 64)
	if err != nil {
		return s, fmt.Errorf("%w: %q", errSample, line)
	}
	s.value = value
	return s, nil
}

// parseLabels reads labels up to the closing brace, and returns what comes after it.
func parseLabels(text string, labels map[string]string) (rest string, err error) {
	for {
		text = strings.TrimLeft(text, ", ")
		if strings.HasPrefix(text, "}") {
			return text[1:], nil
		}
		name, quoted, found := strings.Cut(text, `="`)
		if !found {
			return "", fmt.Errorf("%w: %q", errSample, text)
		}
		var value strings.Builder
		i := 0
		for ; i < len(quoted) && quoted[i] != '"'; i++ {
			if quoted[i] == '\\' && i+1 < len(quoted) {
				i++
				if quoted[i] == 'n' {
					value.WriteByte('\n')
					continue
				}
			}
			value.WriteByte(quoted[i])
		}
		if i >= len(quoted) {
			return "", fmt.Errorf("%w: %q", errSample, text)
		}
		labels[name] = value.String()
		text = quoted[i+1:]
	}
}
