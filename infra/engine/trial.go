package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// trialTimeout bounds the removal of a container that was only a trial.
const trialTimeout = 20 * time.Second

// runner is the part of Docker's client that runs a container.
type runner interface {
	ContainerCreate(
		ctx context.Context, config *container.Config, host *container.HostConfig,
		network *network.NetworkingConfig,
		platform *ocispec.Platform, name string,
	) (container.CreateResponse, error)
	ContainerStart(ctx context.Context, container string, options container.StartOptions) error
	ContainerWait(
		ctx context.Context, container string, condition container.WaitCondition,
	) (<-chan container.WaitResponse, <-chan error)
}

// OpenFiles returns how many files a process in a container may open that asks for so many: these, or fewer
// if the engine's own limit is lower and it may not go beyond that. The engine says neither, so that a
// container of the image is started for it, which ends at once and is removed.
func OpenFiles(ctx context.Context, docker Client, image string, wanted int) (int, error) {
	limit := []*container.Ulimit{{Name: "nofile", Soft: int64(wanted), Hard: int64(wanted)}}
	granted, err := trial(ctx, docker, image, limit)
	if err != nil && strings.Contains(err.Error(), "rlimit") {
		granted, err = trial(ctx, docker, image, nil)
		granted = min(granted, wanted)
	}
	return granted, err
}

// trial returns the limit on open files in a container with these limits.
func trial(
	ctx context.Context, docker Client, image string, limits []*container.Ulimit,
) (granted int, err error) {
	run, able := docker.(runner)
	if !able {
		return 0, errors.New("this client runs no containers")
	}
	created, err := run.ContainerCreate(ctx,
		&container.Config{Image: image, Entrypoint: []string{"sh", "-c", "ulimit -Hn"}},
		&container.HostConfig{NetworkMode: network.NetworkNone, Resources: container.Resources{Ulimits: limits}},
		nil, nil, "")
	if err != nil {
		return 0, err
	}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), trialTimeout)
		defer cancel()
		err = errors.Join(err, docker.ContainerRemove(clean, created.ID, container.RemoveOptions{
			Force: true, RemoveVolumes: true,
		}))
	}()
	ended, failed := run.ContainerWait(ctx, created.ID, container.WaitConditionNextExit)
	if err := run.ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil {
		return 0, err
	}
	select {
	case <-ended:
	case err := <-failed:
		return 0, err
	}
	text, err := LogTail(ctx, docker, created.ID, 1)
	switch {
	case err != nil:
		return 0, err
	case text == "unlimited":
		return 1 << 30, nil
	}
	granted, err = strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("what a container may open: %w", err)
	}
	return granted, nil
}
