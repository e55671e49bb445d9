package preflight

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/docker/docker/api/types/system"

	"warren/infra/engine"
	"warren/topology"
)

// maxClockSkew is how far the clocks of two hosts may be apart. RabbitMQ's own logs, expiries of messages and
// the order of what is read from several nodes are wrong by that much.
const maxClockSkew = time.Second

// answer is what an engine says of its machine.
type answer struct {
	engine.Host
	info system.Info
	// clock is how far the machine's clock is ahead of this one's, at least and at most.
	clock span
}

// span is a range of durations.
type span struct{ from, to time.Duration }

// askAll asks all engines of a stack about their machines. Those that don't answer are told all at once, as
// an *Error.
func askAll(ctx context.Context, docker engine.Client) ([]answer, error) {
	hosts := engine.HostsOf(docker)
	answers, failures := ask(ctx, hosts)
	var problems []string
	for i, err := range failures {
		if err != nil {
			problems = append(problems, unreachable(hosts[i], err))
		}
	}
	if len(problems) > 0 {
		return nil, &Error{problems}
	}
	return answers, nil
}

// ask asks engines about their machines, all at once. Each has an answer or a failure.
func ask(ctx context.Context, hosts []engine.Host) ([]answer, []error) {
	answers, failures := make([]answer, len(hosts)), make([]error, len(hosts))
	var all sync.WaitGroup
	for i, h := range hosts {
		all.Go(func() {
			asked := time.Now()
			info, err := h.Info(ctx)
			answers[i], failures[i] = answer{h, info, clockOf(info.SystemTime, asked, time.Now())}, err
		})
	}
	all.Wait()
	return answers, failures
}

func unreachable(h engine.Host, err error) string {
	if h.Name == "" {
		return fmt.Sprintf("no Docker engine answers at %s (%v): start one, or set DOCKER_HOST to where one is",
			h.DaemonHost(), err)
	}
	return fmt.Sprintf("the engine of host %s does not answer (%v): start it, or correct warren:hosts",
		h.Name, err)
}

// prefix begins what is said of a host.
func (a answer) prefix() string {
	if a.Name == "" {
		return ""
	}
	return "host " + a.Name + ": "
}

// problems finds what is missing on one host.
func (a answer) problems(ctx context.Context, cluster *topology.Cluster) ([]string, error) {
	problems := memoryProblems(a.info, cluster, a.Name)
	if engine.IsLocal(a.Client) {
		problems = append(problems, diskProblems(a.info, cluster, a.Name)...)
	}
	problems = append(problems, imageProblems(ctx, a.Client, cluster)...)
	ports, err := portProblems(ctx, a.Client, cluster, a.Name)
	if err != nil {
		return nil, err
	}
	names, err := nameProblems(ctx, a.Client, cluster)
	if err != nil {
		return nil, err
	}
	return slices.Concat(problems, ports, names, openFileProblems(ctx, a.Client, cluster)), nil
}

// nodesOn is how many nodes a host has.
func nodesOn(cluster *topology.Cluster, host string) int {
	n := 0
	for _, node := range cluster.Nodes {
		if node.Host == host {
			n++
		}
	}
	return n
}

// clockOf compares a clock that was read between two instants with this machine's. An engine that does not
// tell its time counts as right.
func clockOf(text string, asked, answered time.Time) span {
	read, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return span{}
	}
	return span{read.Sub(answered), read.Sub(asked)}
}

// clockProblems finds hosts whose clocks are apart: beyond what the time of the answers explains.
func clockProblems(answers []answer) []string {
	if len(answers) < 2 {
		return nil
	}
	first := slices.MinFunc(answers, func(a, b answer) int { return int(a.clock.to - b.clock.to) })
	var problems []string
	for _, a := range answers {
		if apart := a.clock.from - first.clock.to; apart > maxClockSkew {
			problems = append(problems, fmt.Sprintf("the clock of host %s is at least %s ahead of that of host %s: "+
				"let both follow a time server, such as with chrony", a.Name, apart.Round(100*time.Millisecond),
				first.Name))
		}
	}
	return problems
}
