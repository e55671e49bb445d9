package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"warren/cmd/warren/internal/show"
	"warren/operate/cluster"
	"warren/operate/health"
)

// errUnhealthy makes the exit status say what the table has said already.
var errUnhealthy = errors.New("the cluster is not healthy")

func newStatus(opts *options) *cobra.Command {
	var watch, spread, queues bool
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show nodes, queues, load balancer and helpers, and what is wrong",
		Long: "Show nodes, queues, load balancer and helpers, and what is wrong.\n\nQueues are counted by type; " +
			"those with something wrong are listed, or all with --queues, or if they are few.\nThe exit status is " +
			"1 if anything is wrong that matters; warnings do not count.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := opts.open(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			out := cmd.OutOrStdout()
			shown := display{json: opts.json, queues: queues}
			if watch {
				return watchStatus(cmd.Context(), out, c, every, shown)
			}
			status, err := health.Observe(cmd.Context(), c)
			if err != nil {
				return err
			}
			if spread {
				if status.Spread, err = health.MeasureSpread(cmd.Context(), c); err != nil {
					return err
				}
			}
			if err := shown.status(out, status, alertsOf(cmd.Context(), c.Outputs())); err != nil {
				return err
			}
			if !status.Healthy() {
				return errUnhealthy
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show it again and again, until interrupted")
	cmd.Flags().BoolVar(&queues, "queues", false, "list all queues")
	cmd.Flags().BoolVar(&spread, "spread", false, "open connections through the load balancer, and show where "+
		"they land")
	cmd.MarkFlagsMutuallyExclusive("watch", "spread")
	cmd.Flags().DurationVar(&every, "every", 2*time.Second, "pause between two looks, with --watch")
	return cmd
}

// watchStatus shows the status until ctx ends. A terminal is cleared before each; JSON is one document
// after another.
func watchStatus(
	ctx context.Context, out io.Writer, c *cluster.Cluster, every time.Duration, shown display,
) error {
	if every <= 0 {
		return fmt.Errorf("--every must be positive, and is %s", every)
	}
	clear := ""
	if file, isFile := out.(interface{ Fd() uintptr }); isFile && !shown.json &&
		term.IsTerminal(int(file.Fd())) {
		clear = "\x1b[H\x1b[2J" // cursor home, erase display
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		status, err := health.Observe(ctx, c)
		if ctx.Err() != nil {
			return nil // being interrupted is how watching ends
		}
		if err != nil {
			return err
		}
		var screen strings.Builder
		screen.WriteString(clear)
		if err := shown.status(&screen, status, alertsOf(ctx, c.Outputs())); err != nil {
			return err
		}
		if _, err := io.WriteString(out, screen.String()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// display says how a status is shown.
type display struct {
	json bool
	// queues lists all queues, whatever is wrong with them and however many they are.
	queues bool
}

func (d display) status(out io.Writer, status health.Status, alerts alertStatus) error {
	if !d.json {
		if err := show.Status(out, status, d.queues); err != nil {
			return err
		}
		return alerts.print(out, status.Time)
	}
	return printJSON(out, struct {
		health.Status
		Healthy  bool             `json:"healthy"`
		Problems []health.Problem `json:"problems"`
		alertStatus
	}{status, status.Healthy(), slices.Concat([]health.Problem{}, status.Problems()), alerts})
}
