package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"warren/topology/monitoring"
)

func newMonitoring(opts *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "monitoring",
		Short: "Watch the stack with a Prometheus of your own",
	}
	cmd.AddCommand(newMonitoringExport(opts))
	return cmd
}

func newMonitoringExport(opts *options) *cobra.Command {
	var folder string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write what to read and the alerts as files for a Prometheus of your own",
		Long: "Write what to read and the alerts as files for a Prometheus of your own:\n\n" +
			"  warren-STACK.scrape.yml   for scrape_config_files\n" +
			"  warren-STACK.rules.yml    for rule_files\n" +
			"  warren-STACK.ca.pem       the certificate of the authority, if the stack has TLS\n" +
			"  warren-STACK.*.json       dashboards for Grafana to import\n\n" +
			"On one engine, Prometheus must be attached to the stack's network, in which alone the metrics are; on " +
			"several\nhosts, it reads them at the hosts' addresses.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			outputs, err := opts.read(cmd.Context())
			if err != nil {
				return err
			}
			stack := monitoring.FromAnywhere(outputs)
			if err := os.MkdirAll(folder, 0o755); err != nil {
				return err
			}
			files := map[string]string{
				"scrape.yml": monitoring.ScrapeFile(stack, "warren-"+stack.Name+".ca.pem"),
				"rules.yml":  monitoring.RuleFile(stack.Name, monitoring.Rules(stack)),
			}
			if outputs.CACertificate != "" {
				files["ca.pem"] = outputs.CACertificate
			}
			for _, d := range monitoring.Dashboards(stack) {
				files[d.Name+".json"] = monitoring.Grafana(d)
			}
			for _, name := range slices.Sorted(maps.Keys(files)) {
				path := filepath.Join(folder, "warren-"+stack.Name+"."+name)
				if err := os.WriteFile(path, []byte(files[name]), 0o644); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), path)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&folder, "dir", "monitoring", "the `FOLDER` to write to")
	return cmd
}
