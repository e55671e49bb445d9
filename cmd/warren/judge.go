package main

import (
	"io"

	"github.com/spf13/cobra"

	"warren/verify/checker"
	"warren/verify/history"
	"warren/verify/report"
)

func newJudge(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "judge FILE...",
		Short: "Judge histories again that verify has saved",
		Long: "Judge reads what became of every message of a run, and says whether a promise was broken.\n" +
			"It needs no cluster, so that somebody else can check a verdict.",
		Example: "  warren judge report/history/leader-killed.jsonl.gz",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			return judge(cmd.OutOrStdout(), opts.json, files)
		},
	}
}

// judge judges saved histories. It fails if one of them shows a broken promise.
func judge(out io.Writer, asJSON bool, files []string) error {
	promises := map[string]checker.Expectation{}
	for _, f := range allFaults() {
		promises[f.Name] = f.Expect
	}
	var run report.Run
	verdicts := make([]checker.Verdict, len(files))
	for i, file := range files {
		h, err := history.Load(file)
		if err != nil {
			return err
		}
		verdicts[i] = checker.Check(h, promises)
		run.Scenarios = append(run.Scenarios, report.Scenario{Name: h.Scenario, Verdict: verdicts[i]})
	}
	var err error
	if asJSON {
		err = printJSON(out, verdicts)
	} else {
		err = report.Print(out, run)
	}
	if err == nil && run.Status() != report.Passed {
		err = errPromiseBroken
	}
	return err
}
