package report

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strings"
	"time"

	"warren/verify/checker"
	"warren/verify/history"
)

// The files of a report, in its folder.
const (
	HTMLFile  = "index.html"
	JSONFile  = "report.json"
	JUnitFile = "junit.xml"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed style.css
	styleCSS string
)

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"duration": Duration,
	"number":   Number,
	"pathname": pathName,
	"style":    CSS,
	"confirmPause": func(s Scenario, path string) cell {
		return s.cell(path, func(p checker.PathVerdict) checker.Availability { return p.Confirms })
	},
	"deliveryPause": func(s Scenario, path string) cell {
		return s.cell(path, func(p checker.PathVerdict) checker.Availability { return p.Deliveries })
	},
	"p99": func(s Scenario) string {
		p, _ := s.path(history.LoadBalancer)
		return Duration(p.ConfirmLatency.P99)
	},
	"more":   func(m checker.Messages) int { return m.Count - len(m.IDs) },
	"offset": func(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) },
	"lines":  func(text string) int { return strings.Count(text, "\n") },
	"columns": func(r Run) int { // of the summary, after the verdict
		columns := 8 + len(r.Paths())
		if r.Watched() {
			columns++
		}
		return columns
	},
	"anchor": func(name string) string { return strings.ReplaceAll(name, " ", "-") },
}).Parse(pageHTML))

// cell is a duration in a table, coloured by how much it hurts.
type cell struct {
	Text, Class string
}

// cell is the longest pause of a path.
func (s Scenario) cell(path string, of func(checker.PathVerdict) checker.Availability) cell {
	p, ok := s.path(path)
	if !ok {
		return cell{Text: "–", Class: "none"}
	}
	longest := of(p).Longest.Length()
	class := "long"
	switch {
	case longest < checker.MinOutage:
		class = "unnoticed"
	case longest < time.Second:
		class = "short"
	case longest < 5*time.Second:
		class = "medium"
	}
	return cell{Text: Duration(longest), Class: class}
}

// Write writes the report into a folder, which is made if it is missing. A file is replaced only by a
// complete one.
func Write(dir string, r Run) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	renderers := map[string]func(Run) ([]byte, error){HTMLFile: html, JSONFile: encode, JUnitFile: junit}
	for name, render := range renderers {
		body, err := render(r)
		if err == nil {
			err = Replace(filepath.Join(dir, name), body)
		}
		if err != nil {
			return fmt.Errorf("write report %s: %w", filepath.Join(dir, name), err)
		}
	}
	return nil
}

// html renders the page.
func html(r Run) ([]byte, error) {
	var b bytes.Buffer
	err := page.Execute(&b, r)
	return b.Bytes(), err
}

// encode renders the run as JSON, with each status spelled out. Logs stay in the page.
func encode(r Run) ([]byte, error) {
	type judged struct {
		Status Status `json:"status"`
		Scenario
	}
	scenarios := make([]judged, len(r.Scenarios))
	for i, s := range r.Scenarios {
		s.Logs = nil
		scenarios[i] = judged{s.Status(), s}
	}
	return json.MarshalIndent(struct {
		Status Status `json:"status"`
		Run
		Scenarios []judged `json:"scenarios"`
	}{r.Status(), r, scenarios}, "", "  ")
}

// CSS is the style of the page, for other pages that shall look alike.
func CSS() template.CSS { return template.CSS(styleCSS) }

// Replace writes a file by way of a new one beside it, so that a reader finds the old one or the new one,
// whole.
func Replace(path string, body []byte) error {
	next := path + ".new"
	if err := os.WriteFile(next, body, 0o644); err != nil {
		return err
	}
	return os.Rename(next, path)
}
