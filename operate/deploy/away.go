package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"warren/internal/dockerhost"
	"warren/internal/parallel"
	"warren/topology"
)

// answerTimeout bounds the question whether an engine answers. By SSH that takes several round trips.
const answerTimeout = 10 * time.Second

// withoutRefresh returns the flags of `pulumi up` with one that keeps it from refreshing, if a host is away:
// a refresh needs every engine. The program finds what is to be repaired on the other hosts, but for
// containers that were removed by hand.
func (s *Stack) withoutRefresh(ctx context.Context, flags []string) ([]string, error) {
	settings, err := settingsOf(s.root, s.name)
	if err != nil {
		return nil, err
	}
	hosts, err := settings.hosts()
	if err != nil || len(hosts) == 0 || slices.ContainsFunc(flags, setsRefresh) {
		return flags, nil //nolint:nilerr // the program says what is wrong with the hosts
	}
	for _, host := range away(ctx, hosts) {
		fmt.Fprintf(s.err, "Host %s does not answer: nothing is refreshed.\n", host)
		if !slices.ContainsFunc(flags, setsRefresh) {
			flags = append(slices.Clone(flags), "--refresh=false")
		}
	}
	return flags, nil
}

func setsRefresh(flag string) bool {
	return flag == "-r" || flag == "--refresh" || strings.HasPrefix(flag, "--refresh=")
}

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
