//go:build cluster

package livetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/docker/docker/api/types/container"

	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault"
	"warren/verify/fault/effect"
)

// LoseMessageStore kills a node and deletes the messages that it has on disk for classic queues, as if the
// disk had been replaced. Healing starts the node again.
func LoseMessageStore(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) (
	fault.Injection, error) {
	return effect.Inject(ctx, "lost the message store of "+node.Name,
		func(ctx context.Context) error {
			if err := c.Kill(ctx, node.Container); err != nil {
				return err
			}
			return wipe(ctx, c, node)
		},
		func(ctx context.Context) error { return c.Start(ctx, node.Container) })
}

// wipe deletes the message store of a node that does not run, from a container that shares its volume.
func wipe(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) (err error) {
	inspected, err := c.Inspect(ctx, node.Container)
	if err != nil {
		return err
	}
	const stores = topology.DataPath + "/mnesia/*/msg_stores"
	created, err := c.Docker().ContainerCreate(ctx, &container.Config{
		Image: inspected.Image, User: "root",
		Entrypoint: []string{"sh", "-c", "ls -d " + stores + " && rm -r " + stores},
		Labels:     map[string]string{"warren.stack": c.Stack(), "warren.role": "fault"},
	}, &container.HostConfig{VolumesFrom: []string{node.Container}, NetworkMode: "none"}, nil, nil, "")
	if err != nil {
		return err
	}
	defer func() {
		forced := container.RemoveOptions{Force: true}
		err = errors.Join(err, c.Docker().ContainerRemove(context.WithoutCancel(ctx), created.ID, forced))
	}()
	ended, failed := c.Docker().ContainerWait(ctx, created.ID, container.WaitConditionNextExit)
	if err := c.Start(ctx, created.ID); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	case end := <-ended:
		if end.StatusCode != 0 {
			return fmt.Errorf("delete %s on %s: exit status %d", stores, node.Name, end.StatusCode)
		}
		return nil
	}
}
