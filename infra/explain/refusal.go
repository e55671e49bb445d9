package explain

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/docker/docker/api/types/container"

	"warren/infra/engine"
	"warren/topology"
)

// refusalLines bounds what is shown of a refusal, which may name every queue there is.
const refusalLines = 40

// logPrefix is what the scripts put in front of each line that they log.
var logPrefix = regexp.MustCompile(`(?m)^\S+ \S+ warren: `)

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

// refusalWatcher watches a formation that may refuse to let nodes leave. The provider only waits for a
// container to become healthy.
type refusalWatcher struct {
	docker    engine.Client
	container string
	interval  time.Duration

	mu   sync.Mutex // guards text
	text string
}

// watch keeps the reasons of a formation that refuses, and removes its container, which ends the provider's
// wait for it. It returns when that is done, when the formation is healthy, or when ctx ends.
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
			return r.removeFormation(ctx) == nil
		default:
			return false
		}
	})
}

func (r *refusalWatcher) removeFormation(ctx context.Context) error {
	log, err := engine.LogTail(ctx, r.docker, r.container, logTailLines)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.text = Refusal(log)
	r.mu.Unlock()
	return remove(ctx, r.docker, r.container)
}

// explain tells why there is no formation.
func (r *refusalWatcher) explain(ctx context.Context) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.text != "" {
		return r.text + "\nOr give the stack its nodes back. Then run `pulumi up` again."
	}
	return failure(ctx, r.docker, "The cluster's members do not match the stack's nodes.", r.container)
}

// Refusal is the part of a formation's log that says why nodes can't leave.
func Refusal(log string) string {
	lines := strings.Split(strings.TrimSpace(logPrefix.ReplaceAllString(log, "")), "\n")
	start := max(0, len(lines)-refusalLines)
	refuses := func(line string) bool { return strings.Contains(line, "can't leave the cluster") }
	if i := slices.IndexFunc(lines, refuses); i >= 0 {
		start = i
	}
	lines = lines[start:]
	if len(lines) > refusalLines {
		omitted := fmt.Sprintf("  … and %d more lines", len(lines)-refusalLines)
		lines = slices.Concat(lines[:refusalLines-1], []string{omitted}, lines[len(lines)-1:])
	}
	return strings.Join(lines, "\n")
}
