package preflight

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"warren/infra/survey"
	"warren/internal/dockerhost"
	"warren/topology"
)

// Identify asks the engine of a host for its ID, which no other engine has.
func Identify(ctx context.Context, host topology.Host) (string, error) {
	docker, err := dockerhost.Connect(host)
	if err != nil {
		return "", err
	}
	defer docker.Close()
	info, err := docker.Info(ctx)
	return info.ID, err
}

// Gone looks at the hosts of the last deployment that the cluster has no more, or has elsewhere. Pulumi
// deletes what is on a host that answers. It can't where a host is lost, and then fails halfway: what the
// state knows of it has to leave the state before. The error is an *Error.
func Gone(
	ctx context.Context, cluster *topology.Cluster, last survey.Last,
	identify func(context.Context, topology.Host) (string, error),
) error {
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	var mu sync.Mutex // guards problems
	var problems []string
	problem := func(format string, args ...any) {
		mu.Lock()
		defer mu.Unlock()
		problems = append(problems, fmt.Sprintf(format, args...))
	}
	var all sync.WaitGroup
	for _, h := range last.Gone(cluster) {
		all.Go(func() {
			if _, err := identify(ctx, h); err != nil {
				problem("host %s is not in warren:hosts any more, and its engine does not answer (%v), so that Pulumi "+
					"can't delete what the stack has there: start it; or, if it is lost, run `make up STACK=%s`, which "+
					"lets Pulumi forget it before it deploys", h.Name, err, cluster.Stack)
			}
		})
	}
	for _, was := range last.Hosts {
		is := cluster.Host(was.Name)
		if is.Name == "" || is.Engine == was.Engine {
			continue
		}
		all.Go(func() {
			before, err := identify(ctx, was)
			after, err2 := identify(ctx, is)
			if err == nil && err2 == nil && before != after {
				problem("host %s was at %s, where its engine answers, and is another one now, at %s: what the stack has "+
					"there would be left. Give the new host another name", was.Name, was.Engine, is.Engine)
			}
		})
	}
	all.Wait()
	if len(problems) > 0 {
		slices.Sort(problems)
		return &Error{problems}
	}
	return nil
}
