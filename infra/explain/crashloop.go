package explain

import (
	"context"
	"errors"
	"time"

	"github.com/docker/docker/api/types/container"

	"warren/infra/engine"
	"warren/internal/wait"
)

// crashLimit is how often a node may crash while it is waited for.
const crashLimit = 3

// errPending is what a look at a container returns while its fate is open.
var errPending = errors.New("not decided yet")

// removeWhenCrashing removes the container of a membership once its node has crashed too often, which ends
// the provider's wait for it. A node that refuses its configuration crashes within seconds, and should not
// be waited for as long as one that recovers much data. It returns when that is done, when the node is
// healthy, which it is before its membership, or when ctx ends.
func removeWhenCrashing(
	ctx context.Context, docker engine.Client, membership, node string, interval time.Duration,
) {
	before, known := 0, false
	watch(ctx, interval, func() (done bool) {
		state, err := docker.ContainerInspect(ctx, node)
		if err != nil {
			return false
		}
		if !known {
			before, known = state.RestartCount, true
		}
		if state.State.Health != nil && state.State.Health.Status == container.Healthy {
			return true
		}
		return state.RestartCount-before >= crashLimit && remove(ctx, docker, membership) == nil
	})
}

// watch looks at once and then at every interval, until look says that it is done or ctx ends. A container
// that is not watched to the end is waited for until the provider's own timeout.
func watch(ctx context.Context, interval time.Duration, look func() (done bool)) {
	_ = wait.Until(ctx, interval, "a container to succeed or to fail", func(context.Context) error {
		if look() {
			return nil
		}
		return errPending
	})
}

// remove removes a container that may still run.
func remove(ctx context.Context, docker engine.Client, name string) error {
	return docker.ContainerRemove(ctx, name, container.RemoveOptions{Force: true})
}
