package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"warren/internal/terminal"
	"warren/operate/logs"
)

func newLogs(opts *options) *cobra.Command {
	var node string
	var since time.Duration
	cmd := &cobra.Command{
		Use:   "logs",
		Short: "Show what nodes, helpers and load balancers have logged, merged by time",
		Long: "Show what nodes, their helpers, the load balancers and the monitoring have logged, merged by " +
			"time.\n\nThe engine keeps the last 30 MB of each container. A container that was replaced has no " +
			"older lines.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since <= 0 {
				return fmt.Errorf("--since must be positive, and is %s", since)
			}
			c, err := opts.open(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			containers, err := logs.Containers(c.Outputs(), node)
			if err != nil {
				return err
			}
			out := bufio.NewWriter(cmd.OutOrStdout())
			show := logPrinter(out, c.Outputs().Network+"-", containers)
			if opts.json {
				encoder := json.NewEncoder(out)
				encoder.SetEscapeHTML(false)
				show = func(line logs.Line) error { return encoder.Encode(line) }
			}
			missing := func(container string, err error) {
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v\n", container, err)
			}
			if err := logs.Read(cmd.Context(), c, containers, time.Now().Add(-since), show, missing); err != nil {
				return err
			}
			return out.Flush()
		},
	}
	cmd.Flags().DurationVar(&since, "since", 10*time.Minute, "how far to look back")
	cmd.Flags().StringVar(&node, "node", "", "only the node of that `NAME`, and its helper")
	return cmd
}

// logPrinter prints lines for people: the time of day, the container without what all have in common, the
// text.
func logPrinter(out *bufio.Writer, prefix string, containers []string) func(logs.Line) error {
	width := 0
	for _, name := range containers {
		width = max(width, len(strings.TrimPrefix(name, prefix)))
	}
	return func(line logs.Line) error {
		name := strings.TrimPrefix(line.Container, prefix)
		_, err := fmt.Fprintf(out, "%s  %-*s  %s\n",
			line.Time.Local().Format("15:04:05.000"), width, name, terminal.Escape(line.Text))
		return err
	}
}
