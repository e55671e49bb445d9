package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"warren/operate/cluster"
	"warren/operate/prometheus"
	"warren/verify/alarm"
	"warren/verify/fault"
	"warren/verify/hostfault"
	"warren/verify/report"
	"warren/verify/scenario"
	"warren/verify/traffic"
)

// errPromiseBroken is what the command fails with when a scenario failed; the report says what happened.
var errPromiseBroken = errors.New("verification failed")

// verification is what the flags of the command say.
type verification struct {
	*options
	faults   []string
	list     bool
	duration time.Duration
	random   int
	storage  bool
	alerts   bool
	seed     uint64
	rate     float64
	size     int
	report   string
	overlap  int
	shrink   bool
	elsewhere
}

func newVerify(opts *options) *cobra.Command {
	v := &verification{options: opts}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Inject faults under traffic and judge whether the cluster kept its promises",
		Long: "Verify keeps messages flowing through the running cluster, breaks the cluster on purpose in one " +
			"way after the\nother, heals it, and judges from the fate of every message whether a promise was broken " +
			"and for how long the\ncluster did not serve. It writes a report, and fails if a scenario failed. " +
			"Ctrl-C heals first.",
		Example: "  warren verify\n  warren verify --fault leader-killed --fault pair-cut --duration 20s\n" +
			"  warren verify --random 20 --seed 7 --duration 10m\n" +
			"  warren verify --overlap 1 --seed 7 --shrink",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return v.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&v.faults, "fault", nil, "inject only the fault `NAME`; may be given many times")
	flags.BoolVar(&v.storage, "storage", false,
		"inject the faults of disks instead of the usual ones: all nodes are killed to put them on disks "+
			"that can be told to lie, and once more to take them off")
	flags.BoolVar(&v.alerts, "alerts", false,
		"hold each fault until its alerts are due, and judge them as well; "+
			"begins with ten quiet minutes. The stack needs warren:monitoring")
	flags.BoolVar(&v.list, "list", false, "list the faults and end")
	flags.DurationVar(&v.duration, "duration", 0,
		"how long each fault lasts, or with --random the whole schedule (default: by fault)")
	flags.IntVar(&v.random, "random", 0, "instead of each fault in turn, inject `N` drawn at random in "+
		"one scenario")
	flags.Uint64Var(&v.seed, "seed", 0, "seed of --random; the same seed gives the same schedule (default: a "+
		"new one, which is printed)")
	flags.IntVar(&v.overlap, "overlap", -1, "play a random plan of faults that overlap, with at most `N` nodes "+
		"impaired at once, for --duration (default 2m)")
	v.trafficFlags(flags)
	v.remoteFlags(cmd)
	complete(cmd, "fault", completeFaults)
	cmd.MarkFlagsMutuallyExclusive("fault", "storage", "overlap")
	cmd.MarkFlagsMutuallyExclusive("random", "overlap")
	return cmd
}

// trafficFlags are those of every command that plays faults under traffic.
func (v *verification) trafficFlags(flags *pflag.FlagSet) {
	flags.Float64Var(&v.rate, "rate", 100, "messages published per second and path")
	flags.IntVar(&v.size, "size", 256, "size of a message in bytes")
	flags.StringVar(&v.report, "report", "report", "folder to write the report to")
	flags.BoolVar(&v.shrink, "shrink", false,
		"if faults that overlap fail, play parts of them to find the fewest that still fail")
}

func (v *verification) run(ctx context.Context, out io.Writer) error {
	faults := append(fault.Usual(), fault.Strain()...)
	switch {
	case v.storage:
		faults = fault.Storage()
	case v.list:
		faults = allFaults()
	}
	if v.alerts && !v.list {
		faults = append(fault.Quiet(), faults...)
	}
	if len(v.faults) > 0 {
		var err error
		if faults, err = scenario.Select(allFaults(), v.faults); err != nil {
			return err
		}
	}
	switch {
	case v.rate <= 0 || v.rate > 10_000:
		return fmt.Errorf("--rate %g: must be more than 0 and at most 10000 messages a second", v.rate)
	case v.random < 0 || v.duration < 0 || v.size < 0:
		return errors.New("--random, --duration and --size must not be negative")
	case v.list:
		return v.printFaults(out, faults)
	case len(v.urls) > 0:
		return v.verifyElsewhere(ctx, out)
	case v.inject != "":
		return errNoURL
	}

	c, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if len(v.faults) == 0 && !v.storage && len(c.Outputs().Hosts) > 0 {
		faults = append(faults, hostfault.All()...)
	}
	scenarios, err := v.scenarios(c, faults)
	if err != nil {
		return err
	}
	suite, err := v.suite(c, len(scenarios))
	if err != nil {
		return err
	}
	run, err := suite.Play(ctx, slices.Values(scenarios))
	return v.finish(ctx, out, run, err)
}

// finish prints how a run ended. An error with which it ended early is returned with it.
func (v *verification) finish(ctx context.Context, out io.Writer, run report.Run, err error) error {
	if err != nil && len(run.Scenarios) == 0 {
		return err
	}
	err = errors.Join(err, v.conclude(out, run))
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("%w: interrupted (%w)", err, ctx.Err())
	}
	return err
}

// allFaults are all faults there are, those of hosts as well.
func allFaults() []fault.Fault { return slices.Concat(fault.All(), hostfault.All()) }

// scenarios are those that the flags ask for.
func (v *verification) scenarios(c *cluster.Cluster, faults []fault.Fault) ([]scenario.Scenario, error) {
	if v.seed == 0 && (v.random > 0 || v.overlap >= 0) {
		v.seed = newSeed()
	}
	switch {
	case v.overlap >= 0:
		s, err := scenario.Overlapping(c, v.overlap, cmp.Or(v.duration, 2*time.Minute), v.seed)
		return []scenario.Scenario{s}, err
	case v.random > 0:
		return []scenario.Scenario{scenario.Random(faults, v.random, v.seed, v.duration)}, nil
	}
	return scenario.Table(faults, v.duration), nil
}

// newSeed is a short one, to be typed again.
func newSeed() uint64 { return rand.Uint64N(1_000_000) + 1 }

// suite plays scenarios, of which there are so many, and shows how far it is.
func (v *verification) suite(c *cluster.Cluster, total int) (scenario.Suite, error) {
	rig := scenario.ClusterRig{
		Cluster: c,
		Queue:   traffic.Queue{Type: "quorum"},
		Traffic: traffic.Config{Paths: traffic.Paths(c.Outputs()), Rate: v.rate, Size: v.size},
	}
	printer := scenario.NewPrinter(os.Stderr, term.IsTerminal(int(os.Stderr.Fd())), total)
	runner := scenario.Runner{
		Cluster: c, Rig: rig, Limits: scenario.DefaultLimits(), Progress: printer.Show, MustAlert: v.alerts,
	}
	client, err := prometheus.Of(c.Outputs())
	switch {
	case err == nil:
		runner.Alerts = func(ctx context.Context, from, to time.Time) ([]prometheus.Series, error) {
			return client.Range(ctx, alarm.Query(c.Stack()), from, to, alarm.Step)
		}
	case v.alerts:
		return scenario.Suite{}, fmt.Errorf("--alerts: %w", err)
	}
	return scenario.Suite{
		Runner: runner,
		Run:    scenario.NewRun(rig, v.seed),
		Dir:    v.report,
		Before: rig.Sweep,
		Done:   printer.Done,
		Shrink: v.shrink,
	}, nil
}

// conclude prints the result and says where the report is.
func (v *verification) conclude(out io.Writer, run report.Run) error {
	var err error
	if v.json {
		err = report.PrintJSON(out, run)
	} else if err = report.Print(out, run); err == nil {
		_, err = fmt.Fprintf(out, "The report is in %s.\n", filepath.Join(v.report, report.HTMLFile))
	}
	if err == nil && run.Status() != report.Passed {
		err = errPromiseBroken
	}
	return err
}

// printFaults lists the faults.
func (v *verification) printFaults(out io.Writer, faults []fault.Fault) error {
	type row struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Promise     string `json:"promise"`
	}
	rows := make([]row, len(faults))
	for i, f := range faults {
		rows[i] = row{f.Name, f.Description, f.Expect.String()}
	}
	if v.json {
		return printJSON(out, rows)
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(table, "%s\t%s\n", r.Name, r.Description)
	}
	return table.Flush()
}
