// Package present shows what a comparison found: a table, a page and JSON.
package present

import (
	"warren/bench/compare"

	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"

	"warren/verify/report"
)

// Print writes the run as tables for the terminal: medians, in brackets the least and the most, and the ratio
// of the first column to that of the first row.
func Print(w io.Writer, r compare.Run) error {
	fmt.Fprintf(w, "%s\nRabbitMQ %s, stack %s, %s, took %s\n", r.Machine, r.Series, r.Stack,
		r.Started.Format("2006-01-02 15:04 MST"), report.Duration(r.Took))
	for _, c := range r.Comparisons {
		if err := printResult(w, c); err != nil {
			return fmt.Errorf("print benchmarks: %w", err)
		}
	}
	broken := r.Broken()
	if len(broken) == 0 {
		_, err := fmt.Fprintln(w, "\nEvery claim that was measured holds.")
		return err
	}
	fmt.Fprintf(w, "\n%d claims do not hold:\n", len(broken))
	for _, j := range broken {
		fmt.Fprintf(w, "  - %s\n", j.Text)
	}
	return nil
}

func printResult(w io.Writer, c compare.Result) error {
	fmt.Fprintf(w, "\n%s (median of %d, load average before %.1f)\n%s\n", c.Name, c.Repetitions, c.Load, c.Shows)
	table := printWide
	if len(c.Metrics) > widest {
		table = printLong
	}
	if err := table(w, c); err != nil {
		return err
	}
	for _, row := range c.Rows {
		if row.Missing != "" {
			fmt.Fprintf(w, "  %s was not measured: %s\n", row.Name, row.Missing)
		}
		for _, e := range row.Errors {
			fmt.Fprintf(w, "  %s FAILED once: %s\n", row.Name, e)
		}
	}
	for _, j := range c.Claims {
		fmt.Fprintf(w, "  %s  %s\n", verdict(j), j.Text)
	}
	return nil
}

// widest is how many metrics fit beside each other.
const widest = 5

// printWide prints a line for every row.
func printWide(w io.Writer, c compare.Result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "\t")
	for _, m := range c.Metrics {
		fmt.Fprintf(table, "%s\t(least to most)\t", m.Name)
	}
	fmt.Fprint(table, "ratio\t\n")
	for _, row := range c.Rows {
		fmt.Fprintf(table, "%s\t", row.Name)
		for _, m := range c.Metrics {
			if s, ok := row.Values[m.Name]; ok {
				fmt.Fprintf(table, "%s\t%s\t", compare.Format(s.Median, m.Unit), spread(s, m.Unit))
			} else {
				fmt.Fprint(table, "-\t\t")
			}
		}
		if row.Ratio != 0 {
			fmt.Fprint(table, compare.FormatRatio(row.Ratio))
		}
		fmt.Fprint(table, "\t\n")
	}
	return table.Flush()
}

// printLong prints, for every metric, a line for every row that has it, with the ratio to the first of them.
func printLong(w io.Writer, c compare.Result) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, m := range c.Metrics {
		name, base := m.Name, compare.Summary{}
		for _, row := range c.Rows {
			s, ok := row.Values[m.Name]
			if !ok {
				continue
			}
			if name != "" {
				base = s
			}
			against := ""
			if base.Median != 0 {
				against = compare.FormatRatio(compare.Ratio(s.Median, base.Median))
			}
			fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\n", name, row.Name, compare.Format(s.Median, m.Unit),
				spread(s, m.Unit), against)
			name = ""
		}
	}
	return table.Flush()
}

// spread is the least and the most of what was measured.
func spread(s compare.Summary, unit compare.Unit) string {
	if len(s.Values) < 2 {
		return ""
	}
	return fmt.Sprintf("(%s to %s)", compare.Format(s.Min, unit), compare.Format(s.Max, unit))
}

func verdict(j compare.Judgement) string {
	switch {
	case j.Unknown:
		return "UNKNOWN"
	case j.Holds:
		return "HOLDS"
	}
	return "BROKEN"
}

// PrintJSON writes the run as JSON: what JSONFile holds.
func PrintJSON(w io.Writer, r compare.Run) error {
	body, err := json.MarshalIndent(r, "", "  ")
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", body)
	}
	if err != nil {
		return fmt.Errorf("print benchmarks: %w", err)
	}
	return nil
}

// PrintList writes the names of comparisons and what they show.
func PrintList(w io.Writer, comparisons []compare.Comparison) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, c := range comparisons {
		fmt.Fprintf(table, "%s\t%s\n", c.Name, c.Shows)
	}
	return table.Flush()
}
