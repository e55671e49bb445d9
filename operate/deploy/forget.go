package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"warren/topology"
)

// providerType is the type of the Docker provider of a host, and enginePrefix begins its name.
const (
	providerType = "pulumi:providers:docker"
	enginePrefix = "engine-"
)

// forgetHosts lets the state forget what was on hosts that the operator has taken out of the stack and that
// do not answer: Pulumi can't delete it, and would fail halfway. It returns the state as it is then.
func (s *Stack) forgetHosts(ctx context.Context, state stateFile, flags []string) (stateFile, error) {
	settings, err := settingsOf(s.root, s.name)
	if err != nil {
		return state, err
	}
	settings.override(flags)
	hosts, err := settings.hosts()
	if err != nil || len(hosts) == 0 {
		return state, nil //nolint:nilerr // the program says what is wrong with the hosts
	}
	resources, err := state.Deployment.list(stateResources)
	if err != nil {
		return state, fmt.Errorf("the state of stack %s cannot be read: %w", s.name, err)
	}
	gone := slices.DeleteFunc(hostsIn(resources), func(h topology.Host) bool {
		return slices.ContainsFunc(hosts, func(kept topology.Host) bool { return kept.Name == h.Name })
	})
	lost := away(ctx, gone)
	if len(lost) == 0 {
		return state, nil
	}
	if err := keepsMost(resources, lost); err != nil {
		return state, err
	}
	rest, forgotten := forget(resources, lost)
	pending, err := state.Deployment.list(statePending)
	if err != nil {
		return state, err
	}
	pending = slices.DeleteFunc(pending, func(p stateResource) bool {
		resource, _ := p["resource"].(map[string]any)
		return slices.Contains(forgotten, stateResource(resource).text("urn"))
	})
	err = state.Deployment.setList(stateResources, rest)
	if err == nil && len(pending) > 0 {
		err = state.Deployment.setList(statePending, pending)
	}
	if err == nil && len(pending) == 0 {
		delete(state.Deployment, statePending)
	}
	if err == nil {
		err = s.replace(ctx, state)
	}
	if err != nil {
		return state, fmt.Errorf("forget host %s: %w", strings.Join(lost, " and host "), err)
	}
	fmt.Fprintf(s.err, "Host %s is not in warren:hosts any more and does not answer: %d resources on it leave "+
		"the stack's state.\n", strings.Join(lost, " and host "), len(forgotten))
	return state, nil
}

// hostsIn are the hosts of the last deployment, as the stack's outputs have them.
func hostsIn(resources []stateResource) []topology.Host {
	var hosts []topology.Host
	text, err := json.Marshal(outputsOf(resources)["hosts"])
	if err != nil || json.Unmarshal(text, &hosts) != nil {
		return nil
	}
	return hosts
}

// outputsOf are the stack's outputs.
func outputsOf(resources []stateResource) map[string]any {
	for _, r := range resources {
		if r.text("type") == "pulumi:pulumi:Stack" {
			outputs, _ := r["outputs"].(map[string]any)
			return outputs
		}
	}
	return nil
}

// entries are the elements of an output that is a list of objects.
func entries(outputs map[string]any, name string) []map[string]any {
	list, _ := outputs[name].([]any)
	var all []map[string]any
	for _, element := range list {
		if entry, ok := element.(map[string]any); ok {
			all = append(all, entry)
		}
	}
	return all
}

// keepsMost fails if half of the nodes or more were on hosts: with them the cluster has lost its data, and
// others would found a new one.
func keepsMost(resources []stateResource, hosts []string) error {
	nodes := entries(outputsOf(resources), "nodes")
	lost := 0
	for _, n := range nodes {
		if host, _ := n["host"].(string); slices.Contains(hosts, host) {
			lost++
		}
	}
	if 2*lost < len(nodes) {
		return nil
	}
	return fmt.Errorf("host %s does not answer and is not in warren:hosts any more. %d of %d nodes were there, "+
		"so that what is left has no majority: bring one of the hosts back, or destroy the stack",
		strings.Join(hosts, " and host "), lost, len(nodes))
}

// forget returns the resources without those on hosts and without the hosts' providers, and the URNs of what
// was left out. Nothing that stays depends on them any more, and the stack's outputs do not name the hosts.
func forget(resources []stateResource, hosts []string) (rest []stateResource, forgotten []string) {
	gone := func(urn string) bool {
		_, name, _ := strings.Cut(urn, providerType+"::"+enginePrefix)
		return slices.Contains(hosts, name)
	}
	for _, r := range resources {
		provider := r.text("provider")
		if i := strings.LastIndex(provider, "::"); i >= 0 {
			provider = provider[:i] // behind it is the provider's ID
		}
		if gone(r.text("urn")) || gone(provider) {
			forgotten = append(forgotten, r.text("urn"))
		} else {
			rest = append(rest, r)
		}
	}
	stays := map[string]bool{}
	for _, r := range rest {
		stays[r.text("urn")] = true
	}
	isForgotten := func(urn any) bool {
		text, _ := urn.(string)
		return slices.Contains(forgotten, text) && !stays[text]
	}
	for _, r := range rest {
		if list, ok := r["dependencies"].([]any); ok {
			r["dependencies"] = slices.DeleteFunc(list, isForgotten)
		}
		properties, _ := r["propertyDependencies"].(map[string]any)
		for name, value := range properties {
			if list, ok := value.([]any); ok {
				properties[name] = slices.DeleteFunc(list, isForgotten)
			}
		}
	}
	outputs := outputsOf(rest)
	if outputs == nil {
		return rest, forgotten
	}
	var kept []any
	for _, h := range entries(outputs, "hosts") {
		if name, _ := h["name"].(string); !slices.Contains(hosts, name) {
			kept = append(kept, h)
		}
	}
	outputs["hosts"] = kept
	for _, n := range entries(outputs, "nodes") {
		if host, _ := n["host"].(string); slices.Contains(hosts, host) {
			delete(n, "host") // it goes nowhere from there: its data are lost
		}
	}
	return rest, forgotten
}
