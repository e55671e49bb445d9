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

// mutant is a mistake in the producer, in a file below internal, that the schedules must find.
type mutant struct{ file, old, new string }

var mutants = map[string]mutant{
	"confirms on a nack": {"flight/book.go",
		"case acked:\n\t\tb.settle(e, nil, nil)\n\tdefault:",
		"case acked, e.nacks >= 0:\n\t\tb.settle(e, nil, nil)\n\tdefault:"},
	"loses a place of the window": {"publish/producer.go",
		"if after == nil {\n\t\tp.room.release()\n",
		"if after == nil {\n\t\tif outcome != reason.ErrNacked {\n\t\t\tp.room.release()\n\t\t}\n"},
	"takes a lost connection for a nack": {"publish/collector.go",
		"if !acked && s.IsClosed() {",
		"if !acked && s.IsClosed() && e.Attempts > 1000 {"},
	"does not send again what was lost": {"flight/book.go",
		"if e.phase != delayed {\n\t\t\te.leaveStage()",
		"if e.phase != delayed && e.Attempts == 0 {\n\t\t\te.leaveStage()"},
	"forgets that an outcome is unknown": {"flight/book.go",
		"\t\t\te.Unknown = true\n\t\t\tif blame",
		"\t\t\tif blame"},
	"takes a returned message for confirmed": {"flight/book.go",
		"case acked && returned != nil:",
		"case acked && returned != nil && e.nacks > 0:"},
	"sends more than the window": {"flight/book.go",
		"if b.blocked || b.leaving || b.sent.length >= b.cfg.Unanswered {",
		"if b.blocked || b.leaving {"},
	"never leaves a broker that owes confirms": {"flight/verdict.go",
		"if silent || overdue {",
		"if overdue && silent {"},
	"blames a message that was not alone": {"flight/book.go",
		"if blame && alone {",
		"if blame && (alone || e.Attempts > 0) {"},
	"repeats at short intervals forever": {"flight/trial.go",
		"asked = max(asked, b.asked[d])",
		"asked = min(asked, b.asked[d])"},
}

// Each of these mistakes, made in a copy of the producer, is found by the schedules, or by the test of the
// verdicts. Each has to be built, so that this belongs to the long tests, `make test-faults`, which set
// WARREN_SCHEDULES.
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
	original, err := filepath.Abs(filepath.Join("internal", m.file))
	require.NoError(t, err)
	source, err := os.ReadFile(original)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(source), m.old), "the place to change in %s", m.file)
	folder := t.TempDir()
	changed := filepath.Join(folder, filepath.Base(m.file))
	require.NoError(t, os.WriteFile(changed, []byte(strings.Replace(string(source), m.old, m.new, 1)), 0o600))
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{original: changed}})
	require.NoError(t, err)
	path := filepath.Join(folder, "overlay.json")
	require.NoError(t, os.WriteFile(path, overlay, 0o600))
	command := exec.CommandContext(t.Context(), "go", "test", "-overlay", path, "-count=1", "-vet=off",
		"-timeout=3m", "-run", "^(TestSchedules|TestSlowBroker|TestOverdueConfirmsAreJudged)$",
		".", "./internal/flight", "-rapid.nofailfile", "-rapid.shrinktime=1s")
	command.Env = append(os.Environ(), schedulesVariable+"=3000")
	all, err := command.CombinedOutput()
	return string(all), err
}
