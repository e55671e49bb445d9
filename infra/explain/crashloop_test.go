package explain

import (
	"context"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"

	"warren/infra/engine/enginetest"
)

func TestWaitEndsWhenTheNodeKeepsCrashing(t *testing.T) {
	docker := &enginetest.Fake{States: []enginetest.State{
		{Restarts: 7, Health: container.Starting},
		{Restarts: 8, Health: container.Starting},
		{Restarts: 9, Health: container.Starting},
		{Restarts: 10, Health: container.Starting},
	}}
	removeWhenCrashing(t.Context(), docker, "join", "node", time.Millisecond)
	assert.Equal(t, []string{"join"}, docker.Removed)
}

func TestWaitGoesOnWhileTheNodeStarts(t *testing.T) {
	docker := &enginetest.Fake{States: []enginetest.State{
		{Restarts: 7, Health: container.Starting},
		{Restarts: 9, Health: container.Starting},
		{Restarts: 9, Health: container.Healthy},
	}}
	removeWhenCrashing(t.Context(), docker, "join", "node", time.Millisecond)
	assert.Empty(t, docker.Removed)
}

func TestWatchEndsWithTheProgram(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	docker := &enginetest.Fake{States: []enginetest.State{{Restarts: 0, Health: container.Starting}}}
	removeWhenCrashing(ctx, docker, "join", "node", time.Millisecond)
	assert.Empty(t, docker.Removed)
}
