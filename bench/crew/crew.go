// Package crew holds the kinds of clients that are compared: a producer and a consumer on every path.
package crew

import (
	"warren/bench/lab"

	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"warren/operate/cluster"
	"warren/verify/history"
	"warren/verify/traffic"
)

// Crew is a kind of client that a fault hits: a producer and a consumer on every path, and a queue of its
// own.
type Crew struct {
	// Name is as it appears in tables.
	Name string
	// Slug is part of the queue's name.
	Slug string
	// Available returns nil if this machine can run the clients.
	Available func(context.Context) error
	// Start starts the clients.
	Start func(ctx context.Context, queue string, paths []traffic.Path, recorder *history.Recorder) (Running,
		error)
}

// Running are the clients of a crew at work.
type Running interface {
	StopProducers(context.Context) error
	Close(context.Context) error
}

// The kinds of clients that are compared.
var (
	Warren = Crew{"Warren's client", "warren", always, startWarren}
	Peer   = Crew{"go-rabbitmq v0.15.0", "peer", havePeer, startPeer}
	// The tutorial's producer does not confirm, so that no outage shows.
	Tutorial           = Crew{"tutorial's clients", "tutorial", havePython, startTutorial("produce")}
	TutorialConfirming = Crew{"tutorial's clients, confirming", "confirming", havePython,
		startTutorial("produce-confirmed")}
)

func always(context.Context) error { return nil }

func havePeer(ctx context.Context) error {
	_, err := buildPeer(ctx)
	return err
}

func havePython(context.Context) error {
	_, err := lab.PythonWithPika()
	return err
}

// outageRate is how many messages each producer publishes in a second: outages are measured to 20 ms.
const outageRate = 50

// Queue is the name of the crew's own queue for a target.
func (c Crew) Queue(target string) string { return target + "-" + c.Slug }

// Path is the name in the history of a crew's path.
func (c Crew) Path(path string) string { return c.Name + ": " + path }

// Paths are the ways to a cluster that its crew takes.
func (c Crew) Paths(k *cluster.Cluster) []traffic.Path {
	outputs := k.Outputs()
	return []traffic.Path{
		{Name: c.Path(history.LoadBalancer), Endpoints: []string{outputs.AMQPURL}},
		{Name: c.Path(history.AnyNode), Endpoints: outputs.AMQPURLs},
	}
}

func startWarren(
	_ context.Context, queue string, paths []traffic.Path, recorder *history.Recorder,
) (Running, error) {
	return traffic.Start(traffic.Config{Queue: queue, Paths: paths, Rate: outageRate, Size: 256}, recorder)
}

// startPeer builds the program that uses go-rabbitmq and starts it.
func startPeer(
	ctx context.Context, queue string, paths []traffic.Path, recorder *history.Recorder,
) (Running, error) {
	program, err := buildPeer(ctx)
	if err != nil {
		return nil, err
	}
	return startChildren(paths, recorder,
		func(ctx context.Context, path traffic.Path, role, prefix string) (*exec.Cmd, func() error, error) {
			args := []string{role, queue}
			if role == produce {
				args = append(args, prefix, strconv.Itoa(outageRate))
			}
			cmd := exec.CommandContext(ctx, program, args...)
			cmd.Env = append(os.Environ(), "RABBITMQ_URLS="+strings.Join(path.Endpoints, " "))
			return cmd, func() error { return nil }, nil
		}), nil
}

// startTutorial starts the tutorial's clients, with the producer in a given role of steady.py.
func startTutorial(
	producing string,
) func(context.Context, string, []traffic.Path, *history.Recorder) (Running, error) {
	return func(_ context.Context, queue string, paths []traffic.Path, recorder *history.Recorder) (Running,
		error) {
		return startChildren(paths, recorder,
			func(ctx context.Context, path traffic.Path, role, prefix string) (*exec.Cmd, func() error, error) {
				args := []string{role, queue}
				if role == produce {
					args = []string{producing, queue, prefix, strconv.Itoa(outageRate)}
				}
				cmd, done, err := lab.Python(ctx, path.Endpoints[0], "steady.py", args...)
				if err != nil {
					return nil, nil, err
				}
				var hosts []string
				for _, endpoint := range path.Endpoints {
					at, err := url.Parse(endpoint)
					if err != nil {
						// the error would show the password
						return nil, nil, fmt.Errorf("an endpoint of %s is not a URI", path.Name)
					}
					hosts = append(hosts, at.Host)
				}
				cmd.Env = append(cmd.Env, "RABBITMQ_ENDPOINTS="+strings.Join(hosts, " "))
				return cmd, done, nil
			}), nil
	}
}
