// Package remote plays scenarios on clusters that Warren has not made. It knows the addresses at which AMQP
// clients reach them, and breaks them by commands of the user's.
package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"warren/internal/parallel"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/checker"
	"warren/verify/fault"
	"warren/verify/fault/effect"
	"warren/verify/history"
	"warren/verify/report"
	"warren/verify/scenario"
	"warren/verify/traffic"
)

// connectTimeout is how long a cluster far away may take to let somebody in.
const connectTimeout = 10 * time.Second

// stall is how long the same may be wrong with a cluster until it counts as not recovering.
const stall = 5 * time.Minute

// Cluster is a cluster that is known by its addresses.
type Cluster struct {
	// URIs are AMQP URIs with credentials, one for each node or load balancer: never print them.
	URIs []string
	// TLS is how clients recognise the nodes, for amqps URIs; nil for the machine's certificates.
	TLS *tls.Config
	// Rate and Size are those of traffic.Config.
	Rate float64
	Size int
}

var _ scenario.Rig = Cluster{}

// Validate says what is wrong with the addresses.
func (c Cluster) Validate() error {
	var problems []error
	for i, uri := range c.URIs {
		if parsed, err := amqp.ParseURI(uri); err != nil {
			problems = append(problems, fmt.Errorf("URL %d is no AMQP URI: %w", i+1, reason(err)))
		} else if parsed.Vhost != traffic.VHost {
			problems = append(problems, fmt.Errorf("URL %d (%s) names the virtual host %q: queues are made in %q", i+1,
				parsed.Host, parsed.Vhost, traffic.VHost))
		}
	}
	return errors.Join(problems...)
}

// reason is an error without the URI, which has a password.
func reason(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// paths are all addresses together, and each by itself.
func (c Cluster) paths() []traffic.Path {
	paths := []traffic.Path{{Name: history.AnyNode, Endpoints: c.URIs}}
	for i, uri := range c.URIs {
		name := fmt.Sprintf("address %d", i+1)
		if parsed, err := amqp.ParseURI(uri); err == nil {
			name = fmt.Sprintf("%s:%d", parsed.Host, parsed.Port)
		}
		paths = append(paths, traffic.Path{Name: name, Endpoints: []string{uri}})
	}
	return paths
}

func (c Cluster) traffic() traffic.Config {
	return traffic.Config{Paths: c.paths(), Rate: c.Rate, Size: c.Size, TLS: c.TLS}
}

// Run is what a report says of the cluster.
func (c Cluster) Run() report.Run {
	run := report.Run{
		Stack: "at " + c.paths()[1].Name, Queue: traffic.Queue{Type: topology.QuorumQueue}.String(),
		Traffic: c.traffic().String(), Started: time.Now(), Series: "unknown",
	}
	for _, path := range c.paths()[1:] {
		run.Nodes = append(run.Nodes, path.Name)
	}
	return run
}

// WaitHealthy implements scenario.Rig: every address lets clients in.
func (c Cluster) WaitHealthy(ctx context.Context) error {
	return wait.Progress(ctx, stall, time.Second, "all addresses", func(context.Context) error {
		return parallel.Each(c.paths()[1:], func(path traffic.Path) error {
			connection, err := c.connect(path.Endpoints[0])
			if err != nil {
				return fmt.Errorf("%s: %w", path.Name, reason(err))
			}
			return connection.Close()
		})
	})
}

func (c Cluster) connect(uri string) (*amqp.Connection, error) {
	return amqp.DialConfig(uri, amqp.Config{
		Heartbeat: 10 * time.Second, TLSClientConfig: c.TLS, Dial: amqp.DefaultDial(connectTimeout)})
}

// LyingDisks implements scenario.Rig. There are none.
func (Cluster) LyingDisks(context.Context) error {
	return errors.New("the disks of a cluster that Warren has not made cannot be told to lie")
}

// suffixStored marks the queue that nobody consumes until the end.
const suffixStored = "-stored"

// Prepare implements scenario.Rig.
func (c Cluster) Prepare(ctx context.Context, name string) (fault.Target, error) {
	target := fault.Target{VHost: traffic.VHost,
		Queue: fmt.Sprintf("warren-verify-%s-%d", name, time.Now().Unix())}
	return target, c.onQueues(ctx, target, func(channel *amqp.Channel, queue string) error {
		_, err := channel.QueueDeclare(queue, true, false, false, false,
			amqp.Table{topology.QueueTypeArgument: topology.QuorumQueue})
		return err
	})
}

// Clear implements scenario.Rig.
func (c Cluster) Clear(ctx context.Context, target fault.Target) error {
	return c.onQueues(ctx, target, func(channel *amqp.Channel, queue string) error {
		_, err := channel.QueueDelete(queue, false, false, false)
		return err
	})
}

// onQueues does something with both queues, over the first address at which that works. It tries again until
// ctx ends or nothing changes.
func (c Cluster) onQueues(ctx context.Context, target fault.Target,
	do func(*amqp.Channel, string) error) error {
	return wait.Progress(ctx, stall, time.Second, "an answer of the cluster", func(context.Context) error {
		var failures []error
		for _, path := range c.paths()[1:] {
			err := c.onChannel(path.Endpoints[0], func(channel *amqp.Channel) error {
				return errors.Join(do(channel, target.Queue), do(channel, target.Queue+suffixStored))
			})
			if err == nil {
				return nil
			}
			failures = append(failures, fmt.Errorf("%s: %w", path.Name, reason(err)))
		}
		return errors.Join(failures...)
	})
}

func (c Cluster) onChannel(uri string, do func(*amqp.Channel) error) (err error) {
	connection, err := c.connect(uri)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	channel, err := connection.Channel()
	if err != nil {
		return err
	}
	return do(channel)
}

// Paths implements scenario.Rig.
func (c Cluster) Paths() []string { return traffic.Names(c.paths()) }

// Start implements scenario.Rig.
func (c Cluster) Start(target fault.Target, recorder *history.Recorder) (scenario.Flow, error) {
	config := c.traffic()
	config.Queue = target.Queue
	config.Stored = traffic.Stored{Queue: target.Queue + suffixStored, Endpoints: c.URIs}
	return traffic.Start(config, recorder)
}

// HealAll implements scenario.Rig. A command is healed by its own, and nothing else is known of the cluster.
func (Cluster) HealAll(context.Context) error { return nil }

// Logs implements scenario.Rig. There are none to be had.
func (Cluster) Logs(context.Context, time.Time, time.Time) []report.Log { return nil }

// ByCommands is a fault that a command injects and another heals; an empty command does nothing. Whether it
// took effect is what the command says with its exit status.
func ByCommands(inject, heal string) fault.Fault {
	does := func(command string) func(context.Context) error {
		return func(ctx context.Context) error {
			if command == "" {
				return nil
			}
			return run(ctx, command)
		}
	}
	f := fault.Fault{
		Name: "command", Description: "A command breaks the cluster, and another heals it.",
		Expect:    checker.Expectation{},
		Available: func(*cluster.Cluster) error { return nil },
		Inject: func(ctx context.Context, _ *cluster.Cluster, _ fault.Target) (fault.Injection, error) {
			return effect.Inject(ctx, "ran "+inject, does(inject), does(heal))
		},
	}
	if inject == "" {
		f.Name, f.Description = "no-fault", "Nothing is done to the cluster."
		f.Inject = func(context.Context, *cluster.Cluster, fault.Target) (fault.Injection, error) {
			return &effect.Injected{What: "did nothing", Undo: does(heal)}, nil
		}
	}
	return f
}

// run runs a command of the user's.
func run(ctx context.Context, command string) error {
	output, err := exec.CommandContext(ctx, "sh", "-c", command).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", command, err, strings.TrimSpace(string(output)))
	}
	return nil
}
