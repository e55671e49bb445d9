package show

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"warren/internal/terminal"
	"warren/operate/doctor"
)

// shownDiagnoses bounds how many diagnoses of a kind are shown: thousands of queues may have the same
// problem.
const shownDiagnoses = 5

// Diagnoses shows diagnoses to people. Those that mean the same are told once.
func Diagnoses(out io.Writer, diagnoses []doctor.Diagnosis) error {
	var text strings.Builder
	if len(diagnoses) == 0 {
		text.WriteString("Nothing is wrong.\n")
	}
	causes, consequences := alike(diagnoses)
	for _, group := range causes {
		writeDiagnosis(&text, group)
	}
	if len(consequences) > 0 {
		text.WriteString("These should go when the above is fixed:\n")
		for _, group := range consequences {
			line := fmt.Sprintf("  %-22s %s", group[0].Name, group[0].Found)
			if len(group) > 1 {
				line += fmt.Sprintf(" (and %d more)", len(group)-1)
			}
			text.WriteString(terminal.Escape(line) + "\n")
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// alike groups diagnoses that mean the same, in their order, causes apart from consequences.
func alike(diagnoses []doctor.Diagnosis) (causes, consequences [][]doctor.Diagnosis) {
	type key struct {
		name, means string
		consequence bool
	}
	groups := map[key][]doctor.Diagnosis{}
	var order []key
	for _, d := range diagnoses {
		k := key{d.Name, d.Means, d.Consequence}
		if groups[k] == nil {
			order = append(order, k)
		}
		groups[k] = append(groups[k], d)
	}
	for _, k := range order {
		if k.consequence {
			consequences = append(consequences, groups[k])
		} else {
			causes = append(causes, groups[k])
		}
	}
	return causes, consequences
}

func writeDiagnosis(text *strings.Builder, group []doctor.Diagnosis) {
	var found, fix []string
	left := 0
	for i, d := range group {
		if i < shownDiagnoses {
			found = append(found, d.Found)
			fix = append(fix, without(d.Fix, fix)...)
		} else if len(without(d.Fix, fix)) > 0 {
			left++
		}
	}
	if more := len(group) - shownDiagnoses; more > 0 {
		found = append(found, fmt.Sprintf("and %d more", more))
	}
	if left > 0 {
		fix = append(fix, fmt.Sprintf("# for the other %d, `warren doctor --json` has the commands", left))
	}
	fmt.Fprintf(text, "%s %s\n", strings.ToUpper(string(group[0].Severity)), group[0].Name)
	for i, line := range found {
		writeLine(text, "Found", i == 0, line)
	}
	for i, paragraph := range strings.Split(group[0].Means, "\n") {
		writeLine(text, "Means", i == 0, paragraph)
	}
	for i, line := range fix {
		writeLine(text, "Fix", i == 0, line)
	}
	text.WriteString("\n")
}

// without returns the lines that are not shown yet.
func without(lines, shown []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(line string) bool { return slices.Contains(shown, line) })
}

// writeLine writes a line under a label, which only the first has.
func writeLine(text *strings.Builder, label string, first bool, line string) {
	if !first {
		label = ""
	}
	fmt.Fprintf(text, "  %-6s %s\n", label, terminal.Escape(line))
}
