package clients

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// mutant is a mistake in the producer that the schedules must find.
type mutant struct{ file, old, new string }

var mutants = map[string]mutant{
	"confirms on a nack": {"collector.go",
		"case acked:\n\t\tp.settleLocked(c, nil, nil)\n\tdefault:",
		"case acked, c.nacks >= 0:\n\t\tp.settleLocked(c, nil, nil)\n\tdefault:"},
	"loses a place of the window": {"settlement.go",
		"if after == nil {\n\t\tp.window.release()\n",
		"if after == nil {\n\t\tif outcome != ErrNacked {\n\t\t\tp.window.release()\n\t\t}\n"},
	"takes a lost connection for a nack": {"collector.go",
		"if !acked && s.IsClosed() {",
		"if !acked && s.IsClosed() && c.nacks > 1000 {"},
	"does not send again what was lost": {"settlement.go",
		"if c.phase != delayed {\n\t\t\tc.leaveStage()",
		"if c.phase != delayed && c.attempts == 0 {\n\t\t\tc.leaveStage()"},
	"forgets that an outcome is unknown": {"settlement.go",
		"\t\t\tc.unknown = true\n\t\t\tif blame",
		"\t\t\tif blame"},
	"takes a returned message for confirmed": {"collector.go",
		"case acked && returned != nil:",
		"case acked && returned != nil && c.nacks > 0:"},
	"sends more than the window": {"sender.go",
		"if p.blocked || p.successor != nil || s.sent.length >= p.unanswered() {",
		"if p.blocked || p.successor != nil {"},
	"never leaves a broker that owes confirms": {"settlement.go",
		"if silent || overdue {",
		"if overdue && silent {"},
	"blames a message that was not alone": {"settlement.go",
		"if blame && alone {",
		"if blame && (alone || c.attempts > 0) {"},
	"repeats at short intervals for ever": {"trial.go",
		"asked = max(asked, p.asked[d])",
		"asked = min(asked, p.asked[d])"},
}

// Each of these mistakes, made in a copy of the producer, is found by the schedules. Each has to be built, so
// that this belongs to the long tests, `make test-faults`, which set WARREN_SCHEDULES.
func TestMutantsAreFound(t *testing.T) {
	if os.Getenv(schedulesVariable) == "" {
		t.Skip(schedulesVariable + " is not set: the long tests build the mutants")
	}
	for name, m := range mutants {
		t.Run(name, func(t *testing.T) {
			output, err := m.check(t)
			require.Error(t, err, "the schedules have not found it:\n%s", output)
			require.True(t, strings.Contains(output, "--- FAIL: Test"), output)
		})
	}
}

// check runs the schedules against the mutant.
func (m mutant) check(t *testing.T) (output string, err error) {
	t.Helper()
	source, err := os.ReadFile(m.file)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(source), m.old), "the place to change in %s", m.file)
	folder := t.TempDir()
	changed := filepath.Join(folder, m.file)
	require.NoError(t, os.WriteFile(changed, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600))
	original, err := filepath.Abs(m.file)
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	require.NoError(t, err)
	path := filepath.Join(folder, "overlay.json")
	require.NoError(t, os.WriteFile(path, overlay, 0o600))
	command := exec.CommandContext(t.Context(), "go", "test", "-overlay", path, "-count=1", "-vet=off",
		"-run", "^(TestSchedules|TestSlowBroker)$", "-rapid.nofailfile", "-rapid.shrinktime=1s", "-timeout=3m", ".")
	command.Env = append(os.Environ(), schedulesVariable+"=3000")
	all, err := command.CombinedOutput()
	return string(all), err
}
