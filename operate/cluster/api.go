package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"warren/topology"
)

// managementURL is the base of a node's own management interface.
func (c *Cluster) managementURL(node topology.NodeOutput) string {
	scheme := "http://"
	if c.tls != nil {
		scheme = "https://"
	}
	return scheme + c.address(node.Host, node.ManagementPort)
}

// StatusError is an answer of the management API other than 200.
type StatusError struct {
	// Path is what was asked for, below /api/.
	Path string
	// Code is the HTTP status code, and Status that with its text.
	Code   int
	Status string
}

func (e *StatusError) Error() string { return fmt.Sprintf("GET /api/%s: %s", e.Path, e.Status) }

// Get decodes what a node's management API answers to GET /api/{path}.
func (c *Cluster) Get(ctx context.Context, node topology.NodeOutput, path string, into any) error {
	return c.get(ctx, c.http, node, RequestTimeout, path, into)
}

// GetWithin is Get for an answer that takes longer than others, such as the definitions of a whole cluster.
func (c *Cluster) GetWithin(
	ctx context.Context, node topology.NodeOutput, timeout time.Duration, path string, into any,
) error {
	return c.get(ctx, c.http, node, timeout, path, into)
}

// RequestError is an answer of the management API that refuses a change.
type RequestError struct {
	// Method and Path are what was asked for.
	Method, Path string
	// Code is the HTTP status code, Reason what the node says about it.
	Code   int
	Reason string
}

func (e *RequestError) Error() string {
	return fmt.Sprintf("%s /api/%s: %d: %s", e.Method, e.Path, e.Code, e.Reason)
}

// Send asks a node's management API for a change. A body that is not nil is sent as JSON. The error of an
// answer that refuses is a *RequestError.
func (c *Cluster) Send(
	ctx context.Context, node topology.NodeOutput, timeout time.Duration, method, path string, body any,
) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var text io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s /api/%s: %w", method, path, err)
		}
		text = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.managementURL(node)+"/api/"+path, text)
	if err != nil {
		return fmt.Errorf("%s /api/%s: %w", method, path, err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.SetBasicAuth(c.outputs.Username, c.outputs.Password)
	response, err := c.http.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("%s /api/%s: %w", method, path, err)
	}
	defer response.Body.Close()
	said, err := io.ReadAll(io.LimitReader(response.Body, maxReason))
	if err != nil {
		return fmt.Errorf("%s /api/%s: %w", method, path, err)
	}
	if response.StatusCode < http.StatusOK || response.StatusCode >= http.StatusMultipleChoices {
		return &RequestError{method, path, response.StatusCode, reasonOf(said, response.Status)}
	}
	return nil
}

// maxReason is how much of an answer that refuses is read.
const maxReason = 64 << 10

// reasonOf is what an answer that refuses says about it.
func reasonOf(body []byte, status string) string {
	var answer struct {
		Reason any `json:"reason"`
	}
	if err := json.Unmarshal(body, &answer); err == nil && answer.Reason != nil {
		return fmt.Sprint(answer.Reason)
	}
	return status
}

func (c *Cluster) get(
	ctx context.Context, transport *http.Transport, node topology.NodeOutput, timeout time.Duration,
	path string, into any,
) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	url := c.managementURL(node) + "/api/" + path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	path, _, _ = strings.Cut(path, "?") // the errors need no more
	if err != nil {
		return fmt.Errorf("GET /api/%s: %w", path, err)
	}
	request.SetBasicAuth(c.outputs.Username, c.outputs.Password)
	response, err := transport.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("GET /api/%s: %w", path, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return &StatusError{path, response.StatusCode, response.Status}
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("GET /api/%s: %w", path, err)
	}
	// What is left of the answer would keep the connection from being used again.
	_, _ = io.Copy(io.Discard, response.Body)
	return nil
}

// session makes many requests of one node in a row, over connections that stay open. It is for one look: a
// connection that is older may lead to a node that was killed since.
type session struct {
	cluster   *Cluster
	node      topology.NodeOutput
	transport *http.Transport
}

func (c *Cluster) session(node topology.NodeOutput) *session {
	transport := c.http.Clone()
	transport.DisableKeepAlives, transport.MaxIdleConnsPerHost = false, parallelQueues
	return &session{c, node, transport}
}

func (s *session) close() { s.transport.CloseIdleConnections() }

func (s *session) get(ctx context.Context, path string, into any) error {
	return s.cluster.get(ctx, s.transport, s.node, RequestTimeout, path, into)
}
