package deploy

import (
	"context"
	"time"

	"warren/internal/dockerhost"
	"warren/internal/parallel"
	"warren/topology"
)

// answerTimeout bounds the question whether an engine answers. By SSH that takes several round trips.
const answerTimeout = 10 * time.Second

// away are the names of the hosts whose engines do not answer.
func away(ctx context.Context, hosts []topology.Host) []string {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	silent := make([]bool, len(hosts))
	indices := make([]int, len(hosts))
	for i := range hosts {
		indices[i] = i
	}
	_ = parallel.Each(indices, func(i int) error { // no call fails
		docker, err := dockerhost.Connect(hosts[i])
		if err != nil {
			silent[i] = true
			return nil
		}
		defer docker.Close()
		_, err = docker.Ping(ctx)
		silent[i] = err != nil
		return nil
	})
	var names []string
	for i, h := range hosts {
		if silent[i] {
			names = append(names, h.Name)
		}
	}
	return names
}
