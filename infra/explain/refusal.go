package explain

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"

	"warren/agent/helper"
	"warren/infra/agentbinary"
	"warren/infra/engine"
	"warren/topology"
)

// abandonFormation ends the wait for the formation after a node did not become a member, because the
// formation would wait for that node in vain. In a first deployment it runs at the same time as the
// memberships. One that is healthy belongs to an earlier deployment, and stays.
func abandonFormation(ctx context.Context, docker engine.Client, cluster *topology.Cluster) {
	name := cluster.FormationContainerName()
	state, err := docker.ContainerInspect(ctx, name)
	if err != nil || state.State.Health == nil || state.State.Health.Status == container.Healthy {
		return
	}
	_ = remove(ctx, docker, name) // if that fails, the provider's own timeout ends the wait
}

// refusalWatcher watches a helper that may refuse to do its work. The provider only waits for a container
// to become healthy.
type refusalWatcher struct {
	docker    engine.Client
	container string
	interval  time.Duration

	mu   sync.Mutex // guards text
	text string
}

// watch keeps the reasons of a helper that refuses, and removes its container, which ends the provider's
// wait for it. It returns when that is done, when the helper is healthy, or when ctx ends.
func (r *refusalWatcher) watch(ctx context.Context) {
	watch(ctx, r.interval, func() (done bool) {
		state, err := r.docker.ContainerInspect(ctx, r.container)
		if err != nil || state.State.Health == nil {
			return false
		}
		switch state.State.Health.Status {
		case container.Healthy:
			return true
		case container.Unhealthy:
			return r.give(ctx) == nil
		default:
			return false
		}
	})
}

// give gives up on a helper, and keeps what it says.
func (r *refusalWatcher) give(ctx context.Context) error {
	text := reasons(ctx, r.docker, r.container)
	r.mu.Lock()
	r.text = text
	r.mu.Unlock()
	return remove(ctx, r.docker, r.container)
}

// told is why the helper refused; empty if it did not.
func (r *refusalWatcher) told() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text
}

// explain tells what came of the work.
func (r *refusalWatcher) explain(ctx context.Context, what string, containers ...string) string {
	if text := r.told(); text != "" {
		return what + "\n" + text + "\nThen run `pulumi up` again; it resumes from here."
	}
	return failure(ctx, r.docker, what, containers...)
}

// reasons is what a helper has come to, by its own word.
func reasons(ctx context.Context, docker engine.Client, name string) string {
	status, output, err := engine.Exec(ctx, docker, name,
		container.ExecOptions{Cmd: []string{agentbinary.Path, "result"}})
	var result helper.Result
	if err != nil || status != 0 || json.Unmarshal([]byte(output), &result) != nil {
		return ""
	}
	var lines []string
	for _, refusal := range result.Refusals {
		lines = append(lines, refusal.Text())
	}
	if len(lines) == 0 && result.Reason != "" {
		lines = append(lines, "It waits until "+result.Reason+".")
	}
	return strings.Join(lines, "\n")
}
