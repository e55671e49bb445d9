package main

import (
	"context"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
)

func TestWaitEndsWhenTheNodeKeepsCrashing(t *testing.T) {
	docker := &fakeEngine{states: []nodeState{{7, container.Starting}, {8, container.Starting}, {9, container.Starting}, {10, container.Starting}}}
	removeWhenCrashing(t.Context(), docker, "join", "node", time.Millisecond)
	assert.Equal(t, []string{"join"}, docker.removed)
}

func TestWaitGoesOnWhileTheNodeStarts(t *testing.T) {
	docker := &fakeEngine{states: []nodeState{{7, container.Starting}, {9, container.Starting}, {9, container.Healthy}}}
	removeWhenCrashing(t.Context(), docker, "join", "node", time.Millisecond)
	assert.Empty(t, docker.removed)
}

func TestWatchEndsWithTheProgram(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	docker := &fakeEngine{states: []nodeState{{0, container.Starting}}}
	removeWhenCrashing(ctx, docker, "join", "node", time.Millisecond)
	assert.Empty(t, docker.removed)
}
