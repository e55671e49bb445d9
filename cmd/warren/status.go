package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"warren/operate/cluster"
	"warren/operate/health"
)

// errUnhealthy makes the exit status say what the table has said already.
var errUnhealthy = errors.New("the cluster is not healthy")

func newStatus(opts *options) *cobra.Command {
	var watch, spread bool
	var every time.Duration
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show nodes, queues and load balancer in one table, and what is wrong",
		Long: "Show nodes, queues and load balancer in one table, and what is wrong.\n\n" +
			"The exit status is 1 if anything is wrong that matters; warnings do not count.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := opts.open(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			out := cmd.OutOrStdout()
			if watch {
				return watchStatus(cmd.Context(), out, c, every, opts.json)
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
			if err := showStatus(out, status, opts.json); err != nil {
				return err
			}
			if !status.Healthy() {
				return errUnhealthy
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show it anew again and again, until interrupted")
	cmd.Flags().BoolVar(&spread, "spread", false, "open connections through the load balancer, and show where they land")
	cmd.MarkFlagsMutuallyExclusive("watch", "spread")
	cmd.Flags().DurationVar(&every, "every", 2*time.Second, "pause between two looks, with --watch")
	return cmd
}

// watchStatus shows the status until ctx ends. A terminal is cleared before each; JSON is one document after another.
func watchStatus(ctx context.Context, out io.Writer, c *cluster.Cluster, every time.Duration, asJSON bool) error {
	if every <= 0 {
		return fmt.Errorf("--every must be positive, and is %s", every)
	}
	clear := ""
	if file, isFile := out.(interface{ Fd() uintptr }); isFile && !asJSON && term.IsTerminal(int(file.Fd())) {
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
		if err := showStatus(&screen, status, asJSON); err != nil {
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

func showStatus(out io.Writer, status health.Status, asJSON bool) error {
	if !asJSON {
		return printStatus(out, status)
	}
	return printJSON(out, struct {
		health.Status
		Healthy  bool             `json:"healthy"`
		Problems []health.Problem `json:"problems"`
	}{status, status.Healthy(), slices.Concat([]health.Problem{}, status.Problems())})
}

func printStatus(out io.Writer, status health.Status) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "NODE\tTYPE\tSTATE\tVERSION\tUPTIME\tMEMORY\tDISK FREE\tCONNECTIONS\tLEADERS\tREPLICAS\tBALANCED\n")
	for _, node := range status.Nodes {
		if !node.Answers() {
			fmt.Fprintf(table, "%s\t%s\t%s\t-\t-\t-\t-\t-\t-\t-\t%s\n",
				node.Name, node.Type, nodeState(node), balanced(status.LoadBalancer, node.Name))
			continue
		}
		uptime, memory, disk := resources(node)
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n",
			node.Name, node.ActualType, nodeState(node), node.Version, uptime, memory, disk,
			node.Connections, node.Leaders, node.Replicas, balanced(status.LoadBalancer, node.Name))
	}
	if len(status.Queues) > 0 {
		fmt.Fprintf(table, "\nQUEUE\tTYPE\tSTATE\tLEADER\tONLINE\tMESSAGES\tCONSUMERS\n")
	}
	for _, queue := range status.Queues {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d of %d\t%d\t%d\n", queue, queue.Type, dash(queue.State),
			dash(strings.TrimPrefix(queue.Leader, "rabbit@")), len(queue.Online), len(queue.Members), queue.Messages, queue.Consumers)
	}
	if status.Spread != nil {
		fmt.Fprintf(table, "\nBALANCED TO\tSESSIONS BEFORE\tOF %d NEW CONNECTIONS\n", status.Spread.Opened)
		for _, node := range status.Spread.Nodes {
			fmt.Fprintf(table, "%s\t%d\t%d\n", node.Node, node.Before, node.Landed)
		}
	}
	fmt.Fprintln(table)
	if err := table.Flush(); err != nil {
		return err
	}
	problems := status.Problems()
	if len(problems) == 0 {
		_, err := fmt.Fprintln(out, "Nothing is wrong.")
		return err
	}
	for _, problem := range problems {
		if _, err := fmt.Fprintf(out, "%-8s %s\n", strings.ToUpper(string(problem.Severity)), problem); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(out, "\n`warren doctor` says what this means and what to do.")
	return err
}

// resources are a node's uptime, memory and free disk. A node that has just started has not measured them yet.
func resources(node health.NodeStatus) (uptime, memory, disk string) {
	if node.Uptime == 0 {
		return "-", "-", "-"
	}
	return node.Uptime.Round(time.Second).String(),
		fmt.Sprintf("%v of %v", health.Bytes(node.MemoryUsed), health.Bytes(node.MemoryLimit)),
		fmt.Sprint(health.Bytes(node.DiskFree))
}

// nodeState is a word for what a node does.
func nodeState(node health.NodeStatus) string {
	switch {
	case node.State != "running":
		return node.State
	case node.Drained:
		return "drained"
	case node.Answers() && (node.MemoryAlarm || node.DiskAlarm):
		return "alarm"
	case node.Answers():
		return "running"
	case node.AMQP:
		return "no answer"
	case node.Runtime:
		return "app down"
	default:
		return "starting"
	}
}

// balanced says what the load balancer's proxies think of a node, in the order of its statistics: AMQP, management.
func balanced(balancer health.LoadBalancerStatus, node string) string {
	var states []string
	for _, server := range balancer.Servers {
		if server.Name == node {
			states = append(states, server.Status)
		}
	}
	return dash(strings.Join(slices.Compact(states), ", "))
}

// dash stands for what is not known.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
