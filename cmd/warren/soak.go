package main

import (
	"time"

	"github.com/spf13/cobra"

	"warren/verify/soak"
)

func newSoak(opts *options) *cobra.Command {
	v := &verification{options: opts}
	var cfg soak.Config
	cmd := &cobra.Command{
		Use:   "soak",
		Short: "Play random plans of overlapping faults for hours, and watch memory",
		Long: "Soak plays one plan of overlapping faults after the other under traffic, each with the next\n" +
			"seed, and judges each as verify does. It fails as well if the memory of a node or of the\n" +
			"clients grows. Ctrl-C heals first.",
		Example: "  warren soak --for 1h --seed 7",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := v.open(cmd.Context())
			if err != nil {
				return err
			}
			defer c.Close()
			if v.seed == 0 {
				v.seed = newSeed()
			}
			cfg.Cluster, cfg.Seed = c, v.seed
			if cfg.Suite, err = v.suite(c, 0); err != nil {
				return err
			}
			run, err := soak.Run(cmd.Context(), cfg)
			return v.finish(cmd.Context(), cmd.OutOrStdout(), run, err)
		},
	}
	flags := cmd.Flags()
	flags.DurationVar(&cfg.For, "for", time.Hour, "how long to go on")
	flags.DurationVar(&cfg.Round, "round", 2*time.Minute, "how long each plan is")
	flags.IntVar(&cfg.Most, "most", 1, "how many nodes may be impaired at once")
	flags.Uint64Var(&v.seed, "seed", 0, "seed of the first plan (default: a new one, which is printed)")
	v.trafficFlags(flags)
	return cmd
}
