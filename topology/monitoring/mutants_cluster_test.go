//go:build cluster

package monitoring

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"warren/topology"
)

func init() { promtool = promtoolOfTheImage }

// promtoolOfTheImage runs promtool in the image that stacks have Prometheus from.
func promtoolOfTheImage(t *testing.T) func(folder string, args ...string) (string, error) {
	t.Helper()
	return func(folder string, args ...string) (string, error) {
		command := exec.CommandContext(t.Context(), "docker", append([]string{
			"run", "--rm", "--network", "none", "--volume", folder + ":/rules:ro", "--workdir", "/rules",
			"--entrypoint", "promtool", topology.DefaultPrometheusImage,
		}, args...)...)
		output, err := command.CombinedOutput()
		return string(output), err
	}
}

// mutants are mistakes in a rule.
var mutants = map[string]func(Rule) Rule{
	"it fires too late": func(r Rule) Rule { r.For = 2*r.For + 10*time.Minute; return r },
	"it does not wait":  func(r Rule) Rule { r.For = 0; return r },
	"it compares the other way": func(r Rule) Rule {
		r.Expr = strings.NewReplacer(" > ", " <= ", " < ", " >= ").Replace(r.Expr)
		return r
	},
	"it takes the same for another": func(r Rule) Rule {
		r.Expr = strings.NewReplacer(" == 0", " != 0", " == 1", " != 1").Replace(r.Expr)
		return r
	},
}

// TestEveryMutantIsCaught by some scenario.
func TestEveryMutantIsCaught(t *testing.T) {
	rules := Rules(testStack(t))
	about := map[string][]scenario{} // by alert; the others take time and tell nothing
	for _, s := range scenarios {
		alerts := slices.Concat(slices.Collect(maps.Values(s.firing))...)
		for _, r := range rules {
			if slices.Contains(alerts, r.Name) || slices.Contains(s.against, r.Name) {
				about[r.Name] = append(about[r.Name], s)
			}
		}
	}
	for name, mutate := range mutants {
		for i, rule := range rules {
			t.Run(rule.Name+": "+name, func(t *testing.T) {
				mutated := slices.Clone(rules)
				mutated[i] = mutate(rule)
				if mutated[i].Expr == rule.Expr && mutated[i].For == rule.For {
					t.Skip("this rule can't have this mistake")
				}
				_, err := run(t, mutated, about[rule.Name])
				assert.Error(t, err, "no scenario tells the mutant from the rule")
			})
		}
	}
}
