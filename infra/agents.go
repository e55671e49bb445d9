package main

import (
	"context"
	"fmt"

	"warren/infra/agentbinary"
	"warren/infra/engine"
)

// buildAgents builds what runs in the containers of hosts, by the name of the host: once for each kind of
// processor. What runs on hosts that are away is not changed, so that any does for them.
func buildAgents(
	ctx context.Context, docker engine.Client, away []string, project string, build builder,
) (map[string]*agentbinary.Binary, error) {
	agents, built := map[string]*agentbinary.Binary{}, map[string]*agentbinary.Binary{}
	for _, host := range engine.HostsOf(docker) {
		info, err := host.Info(ctx)
		if err != nil {
			return nil, fmt.Errorf("ask the engine for its architecture: %w", err)
		}
		if built[info.Architecture] == nil {
			agent, err := build(ctx, project, info.Architecture)
			if err != nil {
				return nil, err
			}
			built[info.Architecture] = &agent
		}
		agents[host.Name] = built[info.Architecture]
	}
	for _, host := range away {
		agents[host] = agents[engine.HostsOf(docker)[0].Name]
	}
	return agents, nil
}
