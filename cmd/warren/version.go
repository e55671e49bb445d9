package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func newVersion(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show which build this is",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := readVersion()
			if opts.json {
				return printJSON(cmd.OutOrStdout(), v)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "warren %s (%s)\n", v.Revision, v.Go)
			return err
		},
	}
}

// version is what the build recorded of itself.
type version struct {
	Revision string `json:"revision"`
	Go       string `json:"go"`
}

func readVersion() version {
	info, found := debug.ReadBuildInfo()
	if !found {
		return version{Revision: "unknown", Go: "unknown"}
	}
	v := version{Revision: info.Main.Version, Go: info.GoVersion}
	dirty := false
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			v.Revision = setting.Value
		case "vcs.modified":
			dirty = setting.Value == "true"
		}
	}
	if dirty {
		v.Revision += ", modified"
	}
	return v
}
