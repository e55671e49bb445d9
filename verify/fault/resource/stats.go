package resource

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/docker/docker/api/types/container"

	"warren/operate/cluster"
)

// Stats is what a container uses right now, as the engine counts it.
func Stats(ctx context.Context, c *cluster.Cluster, name string) (stats container.StatsResponse, err error) {
	reader, err := c.DockerOf(name).ContainerStatsOneShot(ctx, name)
	if err != nil {
		return stats, fmt.Errorf("ask what container %s uses: %w", name, err)
	}
	defer func() { err = errors.Join(err, reader.Body.Close()) }()
	if err := json.NewDecoder(reader.Body).Decode(&stats); err != nil {
		return stats, fmt.Errorf("read what container %s uses: %w", name, err)
	}
	return stats, nil
}
