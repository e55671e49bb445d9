package monitoring

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
	"warren/topology/stackconfig"
)

// testStack is a stack of three nodes.
func testStack(t *testing.T) Stack {
	t.Helper()
	return stackOf(t, monitored)
}

var monitored = stackconfig.Config{Monitoring: stackconfig.MonitoringConfig{
	Enabled: true, Queues: []string{"orders", "invoices.*"},
}}

// stackOf is the stack of a configuration.
func stackOf(t *testing.T, config stackconfig.Config) Stack {
	t.Helper()
	cluster, err := stackconfig.New("test", config)
	require.NoError(t, err)
	return Of(cluster.Outputs(topology.Secrets{}))
}

// promtool runs Prometheus' own tool in a folder. Debian's package prometheus has it, and so has the
// stack's image: with the tag cluster, the tests run it there.
var promtool = func(t *testing.T) func(folder string, args ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("there is no promtool on PATH; tools/cluster-tests ./topology/monitoring takes that of the image")
	}
	return func(folder string, args ...string) (string, error) {
		command := exec.CommandContext(t.Context(), path, args...)
		command.Dir = folder
		output, err := command.CombinedOutput()
		return string(output), err
	}
}

// ruleTests are scenarios as promtool takes them. JSON is YAML.
func ruleTests(t *testing.T, of []scenario) []byte {
	t.Helper()
	type sample struct {
		Labels string `json:"labels"`
		Value  int    `json:"value"`
	}
	type query struct {
		Expr     string   `json:"expr"`
		EvalTime string   `json:"eval_time"`
		Samples  []sample `json:"exp_samples"`
	}
	type series struct {
		Series string `json:"series"`
		Values string `json:"values"`
	}
	type test struct {
		Name     string   `json:"name"`
		Interval string   `json:"interval"`
		Series   []series `json:"input_series"`
		Queries  []query  `json:"promql_expr_test"`
	}
	var tests []test
	for _, s := range of {
		one := test{Name: s.name, Interval: "5s"}
		all := merge(healthy(), s.changes)
		for _, name := range slices.Sorted(maps.Keys(all)) {
			one.Series = append(one.Series, series{name, all[name]})
		}
		for _, at := range slices.Sorted(maps.Keys(s.firing)) {
			firing := query{Expr: `count by (alertname) (ALERTS{alertstate="firing"}) > bool 0`, EvalTime: at.String()}
			for _, alert := range s.firing[at] {
				firing.Samples = append(firing.Samples, sample{fmt.Sprintf(`{alertname="%s"}`, alert), 1})
			}
			one.Queries = append(one.Queries, firing)
		}
		tests = append(tests, one)
	}
	text, err := json.Marshal(map[string]any{
		"rule_files": []string{"rules.yml"}, "evaluation_interval": "5s", "tests": tests,
	})
	require.NoError(t, err)
	return text
}

// run lets promtool judge rules by scenarios.
func run(t *testing.T, rules []Rule, of []scenario) (string, error) {
	t.Helper()
	tool, folder := promtool(t), t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o755)) // for the user in the image
	require.NoError(t, os.WriteFile(filepath.Join(folder, "rules.yml"), []byte(RuleFile("test", rules)), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "test.yml"), ruleTests(t, of), 0o644))
	return tool(folder, "test", "rules", "test.yml")
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	output, err := run(t, Rules(testStack(t)), scenarios)
	require.NoErrorf(t, err, "%s", output)
}

func TestEveryAlertHasAScenario(t *testing.T) {
	fired := map[string]bool{}
	for _, s := range scenarios {
		for _, alerts := range s.firing {
			for _, alert := range alerts {
				fired[alert] = true
			}
		}
	}
	var all []string
	for _, r := range Rules(testStack(t)) {
		all = append(all, r.Name)
	}
	assert.ElementsMatch(t, all, slices.Collect(maps.Keys(fired)))
}

func TestAlertsSayWhatToDo(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range Rules(testStack(t)) {
		assert.False(t, seen[r.Name], "%s is there twice", r.Name)
		seen[r.Name] = true
		assert.NotEmpty(t, r.Summary, r.Name)
		assert.NotEmpty(t, r.Means, r.Name)
		assert.NotEmpty(t, r.Fix, r.Name)
		assert.Contains(t, []Severity{Critical, Warning}, r.Severity, r.Name)
	}
}
