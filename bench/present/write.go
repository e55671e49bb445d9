package present

import (
	"warren/bench/compare"

	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"os"
	"path/filepath"

	"warren/verify/report"
)

// The files that Write writes.
const (
	HTMLFile = "bench.html"
	JSONFile = "bench.json"
)

//go:embed page.html
var pageHTML string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"style":    report.CSS,
	"duration": report.Duration,
	"plot":     plot,
	"format":   compare.Format,
	"ratio":    compare.FormatRatio,
	"spread":   spread,
	"verdict":  verdict,
}).Parse(pageHTML))

// Write writes the run into a folder as a page that stands alone and as JSON. The folder is made if it is
// missing.
func Write(dir string, r compare.Run) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("write benchmarks: %w", err)
	}
	var html bytes.Buffer
	if err := page.Execute(&html, r); err != nil {
		return fmt.Errorf("write benchmarks: %w", err)
	}
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write benchmarks: %w", err)
	}
	for name, content := range map[string][]byte{HTMLFile: html.Bytes(), JSONFile: append(body, '\n')} {
		if err := report.Replace(filepath.Join(dir, name), content); err != nil {
			return fmt.Errorf("write benchmarks: %w", err)
		}
	}
	return nil
}
