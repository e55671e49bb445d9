package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"warren/operate/dashboard"
	"warren/operate/health"
	"warren/operate/prometheus"
	"warren/topology/monitoring"
)

func newDashboard(opts *options) *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use:   "dashboard",
		Short: "Serve a page with the cluster's picture, alerts and live plots",
		Long: "Serve a page with the cluster's picture, alerts and live plots, until interrupted.\n\nWhoever " +
			"reaches its address sees the page: this command has the password, and the browser does not.\nThe " +
			"stack needs warren:monitoring.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			c, err := opts.open(ctx)
			if err != nil {
				return err
			}
			defer c.Close()
			client, err := prometheus.Of(c.Outputs())
			if err != nil {
				return err
			}
			page := dashboard.Server{
				Stack: monitoring.WatchedBy(c.Outputs()), Source: client,
				Look: func(ctx context.Context) (dashboard.Picture, error) {
					status, err := health.Observe(ctx, c)
					return dashboard.Draw(status), err
				},
			}
			listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
			if err != nil {
				return fmt.Errorf("--listen: %w", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "The dashboard of stack %s is at http://%s\n", c.Stack(), listener.Addr())
			return serve(ctx, listener, page.Handler())
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8900", "the `ADDRESS` to serve the page at")
	return cmd
}

// serve answers requests until ctx ends.
func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	const patience = 10 * time.Second
	server := &http.Server{Handler: handler, ReadHeaderTimeout: patience}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
