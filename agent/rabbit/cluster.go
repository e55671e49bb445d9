package rabbit

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// NodeInfo is a member of a cluster as a node sees it.
type NodeInfo struct {
	Name string `json:"name"`
	// Type is "disc" or "ram".
	Type    string `json:"type"`
	Running bool   `json:"running"`
	// BeingDrained is nil before 3.11, which does not tell.
	BeingDrained *bool `json:"being_drained"`
}

// Nodes lists the members of a node's cluster.
func (c *Client) Nodes(ctx context.Context, node string) ([]NodeInfo, error) {
	var nodes []NodeInfo
	err := c.get(ctx, node, "/api/nodes?disable_stats=true", &nodes)
	return nodes, err
}

// Alarms returns the resource alarms in effect, by node: "memory", "disk".
func (c *Client) Alarms(ctx context.Context, node string) (map[string][]string, error) {
	// The check answers 503 with the alarms in its body.
	err := c.get(ctx, node, "/api/health/checks/alarms", nil)
	var status *StatusError
	if !errors.As(err, &status) || status.Status != http.StatusServiceUnavailable {
		return nil, err
	}
	var body struct {
		Alarms []struct {
			Node     string `json:"node"`
			Resource string `json:"resource"`
		} `json:"alarms"`
	}
	if err := json.Unmarshal([]byte(status.Body), &body); err != nil {
		return nil, errors.Join(status, err)
	}
	alarms := map[string][]string{}
	for _, a := range body.Alarms {
		alarms[a.Node] = append(alarms[a.Node], a.Resource)
	}
	return alarms, nil
}

// FlagInfo is a feature flag.
type FlagInfo struct {
	Name string `json:"name"`
	// State is "enabled", "disabled" or "unavailable".
	State string `json:"state"`
	// Stability is "required", "stable" or "experimental".
	Stability string `json:"stability"`
}

// FeatureFlags lists the feature flags.
func (c *Client) FeatureFlags(ctx context.Context, node string) ([]FlagInfo, error) {
	var flags []FlagInfo
	err := c.get(ctx, node, "/api/feature-flags", &flags)
	return flags, err
}

// EnableFeatureFlag enables one feature flag.
func (c *Client) EnableFeatureFlag(ctx context.Context, node, name string) error {
	return c.do(ctx, http.MethodPut, node, "/api/feature-flags/"+segment(name)+"/enable",
		map[string]string{"name": name}, nil)
}

// GlobalParameters returns all global parameters.
func (c *Client) GlobalParameters(ctx context.Context, node string) (map[string]json.RawMessage, error) {
	var parameters []struct {
		Name  string          `json:"name"`
		Value json.RawMessage `json:"value"`
	}
	if err := c.get(ctx, node, "/api/global-parameters", &parameters); err != nil {
		return nil, err
	}
	values := make(map[string]json.RawMessage, len(parameters))
	for _, p := range parameters {
		values[p.Name] = p.Value
	}
	return values, nil
}

// SetGlobalParameter sets a global parameter.
func (c *Client) SetGlobalParameter(ctx context.Context, node, name string, value any) error {
	body := map[string]any{"name": name, "value": value}
	return c.do(ctx, http.MethodPut, node, "/api/global-parameters/"+segment(name), body, nil)
}

// ClearGlobalParameter removes a global parameter; it may be gone already.
func (c *Client) ClearGlobalParameter(ctx context.Context, node, name string) error {
	err := c.do(ctx, http.MethodDelete, node, "/api/global-parameters/"+segment(name), nil, nil)
	if IsNotFound(err) {
		return nil
	}
	return err
}

// IsQuorumCritical tells whether some quorum queue, stream or the metadata store would have no majority
// without a node.
func (c *Client) IsQuorumCritical(ctx context.Context, node string) (bool, error) {
	err := c.get(ctx, node, "/api/health/checks/node-is-quorum-critical", nil)
	var status *StatusError
	if errors.As(err, &status) && status.Status == http.StatusServiceUnavailable {
		return true, nil
	}
	return false, err
}
