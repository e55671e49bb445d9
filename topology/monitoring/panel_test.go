package monitoring

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPanelsAreComplete(t *testing.T) {
	for _, d := range Dashboards(testStack(t)) {
		seen := map[string]bool{}
		for _, p := range d.Panels {
			assert.False(t, seen[p.Title], "%s is on %s twice", p.Title, d.Name)
			seen[p.Title] = true
			assert.NotEmpty(t, p.Help, p.Title)
			assert.Contains(t, grafanaUnits, p.Unit, p.Title)
			for _, q := range p.Queries {
				assert.NotEmpty(t, q.Legend, q.Expr)
			}
		}
	}
}

// TestExpressionsParse lets promtool read every expression of the panels, as rules.
func TestExpressionsParse(t *testing.T) {
	tool, folder := promtool(t), t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o755))
	var rules []Rule
	for _, d := range Dashboards(testStack(t)) {
		for i, p := range d.Panels {
			for j, q := range p.Queries {
				rules = append(rules, Rule{Name: fmt.Sprintf("%s_%d_%d", d.Name, i, j), Expr: q.Expr})
			}
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "rules.yml"), []byte(RuleFile("test", rules)), 0o644))
	output, err := tool(folder, "check", "rules", "rules.yml")
	assert.NoErrorf(t, err, "%s", output)
}

func TestGrafanaHasEveryPanel(t *testing.T) {
	for _, d := range Dashboards(testStack(t)) {
		var rendered struct {
			Title  string `json:"title"`
			Panels []struct {
				Title   string `json:"title"`
				Targets []struct {
					Expr   string `json:"expr"`
					Legend string `json:"legendFormat"`
				} `json:"targets"`
			} `json:"panels"`
		}
		require.NoError(t, json.Unmarshal([]byte(Grafana(d)), &rendered))
		require.Len(t, rendered.Panels, len(d.Panels))
		for i, p := range d.Panels {
			assert.Equal(t, p.Title, rendered.Panels[i].Title)
			require.Len(t, rendered.Panels[i].Targets, len(p.Queries))
			for j, q := range p.Queries {
				assert.Equal(t, q.Expr, rendered.Panels[i].Targets[j].Expr)
				assert.Equal(t, q.Legend, rendered.Panels[i].Targets[j].Legend)
			}
		}
	}
}
