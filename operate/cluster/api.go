package cluster

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"warren/topology"
)

// managementURL is the base of a node's own management interface.
func (c *Cluster) managementURL(node topology.NodeOutput) string {
	return "http://" + c.address(node.ManagementPort)
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
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	url := c.managementURL(node) + "/api/" + path
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
		return &StatusError{path, response.StatusCode, response.Status}
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("GET /api/%s: %w", path, err)
	}
	return nil
}
