package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"warren/clients"
	"warren/internal/wait"
	"warren/topology"
)

// consumption is what the flags of `warren consume` say.
type consumption struct {
	*options
	endpoints   endpoints
	queue       string
	count       int
	prefetch    int
	concurrency int
	dedup       int
	work        time.Duration
	bodies      bool
}

func newConsume(opts *options) *cobra.Command {
	c := &consumption{options: opts}
	cmd := &cobra.Command{
		Use:   "consume",
		Short: "Consume a queue until interrupted",
		Long: "Consume a queue with manual acknowledgements, through any number of lost connections, until " +
			"interrupted,\nor until --count messages have been handled.\n\n" +
			"The first interrupt stops deliveries and acknowledges what is being handled; the second one kills.",
		Example: "  warren consume\n  warren consume --dedup 100000 --concurrency 4 --print\n  warren consume " +
			"--queue ha_dead_letters --count 10",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	c.endpoints.register(flags)
	flags.StringVar(&c.queue, "queue", topology.DefaultQueue, "queue to consume")
	flags.IntVar(&c.count, "count", 0, "end after this many handled messages; 0 for no end")
	flags.IntVar(&c.prefetch, "prefetch", 32, "how many messages may be unacknowledged at once")
	flags.IntVar(&c.concurrency, "concurrency", 1, "how many messages are handled at once")
	flags.IntVar(&c.dedup, "dedup", 0, "handle no message twice, as far as the ids of the last `N` handled "+
		"tell; 0 for off")
	flags.DurationVar(&c.work, "work", 0, "pretend that handling a message takes this long")
	flags.BoolVar(&c.bodies, "print", false, "print each message's body on a line")
	return cmd
}

func (c *consumption) run(ctx context.Context, out, errOut io.Writer) error {
	urls, outputs, err := c.endpoints.resolve(ctx, c.options)
	if err != nil {
		return err
	}
	config, err := tlsConfig(outputs)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	consumer, err := clients.NewConsumer(urls, c.queue, c.handler(out, stop),
		clients.WithPrefetch(c.prefetch), clients.WithConcurrency(c.concurrency),
		clients.WithDeduplication(c.dedup),
		clients.WithConnectionName("warren consume"), clients.WithLogger(stateLogger(errOut)),
		clients.WithTLSConfig(config))
	if err != nil {
		return err
	}
	stopLive := func() {}
	if !c.json {
		stopLive = everySecond(out, func() string { return consumerLine(consumer.Stats()) })
	}
	start := time.Now()
	runErr := consumer.Run(ctx)
	stopLive()
	stats, elapsed := consumer.Stats(), time.Since(start).Seconds()
	if c.json {
		err = printJSON(out, struct {
			clients.ConsumerStats
			Seconds float64 `json:"seconds"`
		}{stats, elapsed})
	} else {
		err = printConsumption(out, stats, elapsed)
	}
	return cmp.Or(runErr, err)
}

// handler handles a message the way the flags say, and calls stop after the last one.
func (c *consumption) handler(out io.Writer, stop func()) clients.Handler {
	var handled atomic.Int64
	return func(ctx context.Context, d clients.Delivery) error {
		if c.bodies {
			if _, err := fmt.Fprintf(out, "%s\n", d.Body); err != nil {
				return err
			}
		}
		if err := wait.Sleep(ctx, c.work); err != nil {
			return err
		}
		if handled.Add(1) == int64(c.count) {
			stop()
		}
		return nil
	}
}

// printConsumption shows the account as a sum.
func printConsumption(out io.Writer, s clients.ConsumerStats, seconds float64) error {
	_, err := fmt.Fprintf(out, "\ndelivered %d = handled %d + failed %d + dead-lettered %d + duplicates %d\n"+
		"%d redelivered, %d acknowledgements lost with their connection, %d reconnects, in %.1f s: %.0f handled "+
		"per second\n",
		s.Delivered, s.Handled, s.Failed, s.DeadLettered, s.Duplicates,
		s.Redelivered, s.Untold, s.Reconnects, seconds, float64(s.Handled)/seconds)
	return err
}

// consumerLine is the live line.
func consumerLine(s clients.ConsumerStats) string {
	return fmt.Sprintf("consumed %d, redelivered %d, duplicates %d, failed %d, reconnects %d",
		s.Handled, s.Redelivered, s.Duplicates, s.Failed, s.Reconnects)
}
