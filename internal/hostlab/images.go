package hostlab

import (
	"context"
	"fmt"

	"github.com/docker/docker/client"

	"warren/internal/imagecopy"
	"warren/internal/parallel"
)

// Load copies images from the machine's own engine to those of all hosts.
func (l *Lab) Load(ctx context.Context, images ...string) error {
	own, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return err
	}
	defer own.Close()
	return parallel.Each(l.Hosts, func(h Host) error {
		docker, err := client.NewClientWithOpts(client.WithHost(h.Engine), client.WithAPIVersionNegotiation())
		if err != nil {
			return err
		}
		defer docker.Close()
		if _, err := imagecopy.Copy(ctx, own, docker, images...); err != nil {
			return fmt.Errorf("copy images to host %s: %w", h.Name, err)
		}
		return nil
	})
}
