package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"warren/verify/history"
)

// Duration writes a length of time as a reader wants it: three digits and a unit.
func Duration(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d < time.Millisecond:
		return fmt.Sprintf("%d µs", d.Microseconds())
	case d < 10*time.Millisecond:
		return strings.Replace(fmt.Sprintf("%.1f ms", milliseconds(d)), ".0", "", 1)
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.2f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	d = d.Round(time.Second)
	return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
}

// Number writes a count with thousands set apart.
func Number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// Print writes the run as a table for the terminal, and below it why scenarios failed.
func Print(w io.Writer, r Run) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	columns := "SCENARIO\tVERDICT\tCONFIRMED\tLOST\tUNKNOWN\tOUTAGE\tBALANCED\tANY NODE\tDELIVERIES\tRECOVERY"
	watched := r.Watched()
	if watched {
		columns += "\tALERT"
	}
	fmt.Fprintln(table, columns)
	for _, s := range r.Scenarios {
		fmt.Fprintf(table, "%s\t%s\t", s.Name, strings.ToUpper(string(s.Status())))
		if s.Status() == Skipped {
			fmt.Fprintf(table, "-\t-\t-\t-\t-\t-\t-\t-\n")
			continue
		}
		v := s.Verdict
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", Number(v.Acknowledged), Number(v.Lost.Count),
			Number(v.Unknown),
			s.pause("", confirmPause), s.pause(history.LoadBalancer, confirmPause),
			s.pause(history.AnyNode, confirmPause),
			s.pause("", deliveryPause), s.recovery())
		if watched {
			fmt.Fprintf(table, "\t%s", s.Alarm())
		}
		fmt.Fprintln(table)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	fmt.Fprintln(w, "\nOUTAGE is the longest time without a confirm over any path, BALANCED through the load "+
		"balancer, ANY NODE straight\nto the nodes with a choice; DELIVERIES the longest time without a "+
		"delivery; RECOVERY from healing to fully healthy.")
	if watched {
		fmt.Fprintln(w, "ALERT is the first alert that must fire, with the time from the fault to the alert.")
	}
	for _, s := range r.Scenarios {
		switch s.Status() {
		case Skipped:
			fmt.Fprintf(w, "\n%s was skipped: %s\n", s.Name, s.Skipped)
		case Failed:
			fmt.Fprintf(w, "\n%s FAILED:\n", s.Name)
			for _, failure := range s.Failures() {
				fmt.Fprintf(w, "  - %s\n", failure)
			}
			for _, violation := range s.Verdict.Violations {
				if ids := violation.Messages.IDs; len(ids) > 0 {
					fmt.Fprintf(w, "    %s: %s\n", violation.Kind, named(violation.Messages.Count, ids))
				}
			}
		}
	}
	_, err := fmt.Fprintf(w, "\n%s\n", r.Headline())
	return err
}

// PrintJSON writes the run as JSON: what JSONFile holds.
func PrintJSON(w io.Writer, r Run) error {
	body, err := encode(r)
	if err == nil {
		_, err = fmt.Fprintf(w, "%s\n", body)
	}
	if err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	return nil
}

// Remark is what to say of the scenario in a line, after its status.
func (s Scenario) Remark() string {
	switch s.Status() {
	case Skipped:
		return ", " + s.Skipped
	case Failed:
		return ", " + s.Failures()[0]
	}
	return fmt.Sprintf(", %s confirmed, 0 lost, longest without a confirm %s (load balancer %s), "+
		"recovered in %s",
		Number(s.Verdict.Acknowledged), s.pause("", confirmPause), s.pause(history.LoadBalancer,
			confirmPause), Duration(s.Recovery))
}

// Headline is the run in a sentence.
func (r Run) Headline() string {
	acknowledged, lost, unexpected := r.Totals()
	played := len(r.Scenarios) - r.Count(Skipped)
	verdict := fmt.Sprintf("All %d scenarios passed", played)
	switch {
	case played == 0:
		return "No scenario was played."
	case r.Count(Failed) > 0:
		verdict = fmt.Sprintf("%d of %d scenarios failed", r.Count(Failed), played)
	case played == 1:
		verdict = "The scenario passed"
	}
	if n := r.Count(Skipped); n > 0 {
		verdict += fmt.Sprintf(" (%d skipped)", n)
	}
	return fmt.Sprintf("%s: of %s confirmed messages, %s were lost; %s messages appeared that nobody sent.",
		verdict, Number(acknowledged), Number(lost), Number(unexpected))
}

// named lists ids, and says how many more there are.
func named(count int, ids []string) string {
	list := strings.Join(ids, ", ")
	if more := count - len(ids); more > 0 {
		list += fmt.Sprintf(" and %s more", Number(more))
	}
	return list
}

// The two kinds of pauses that a table tells.
const (
	confirmPause = iota
	deliveryPause
)

// recovery is the time to full health, "-" where it was not reached.
func (s Scenario) recovery() string {
	if s.Recovery == 0 {
		return "-"
	}
	return Duration(s.Recovery)
}

// pause is the longest pause on a path, "-" where the path had no traffic.
func (s Scenario) pause(path string, kind int) string {
	p, ok := s.path(path)
	switch {
	case !ok:
		return "-"
	case kind == deliveryPause:
		return Duration(p.Deliveries.Longest.Length())
	}
	return Duration(p.Confirms.Longest.Length())
}
