package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMain makes this test's program the one that is tested.
func TestMain(m *testing.M) {
	if os.Getenv("LAUNCH_TEST") != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestTheProgramIsBuiltWhenItHasChanged(t *testing.T) {
	module := t.TempDir()
	write := func(name, text string) {
		path := filepath.Join(module, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	says := func(text string) {
		write("infra/main.go", "package main\n\nimport (\"fmt\"; \"os\")\n\nfunc main() { fmt.Print(`"+text+
			"`, len(os.Args)); os.Exit(3) }\n")
	}
	write("go.mod", "module warren\n\ngo 1.26\n")
	here := filepath.Join(module, "infra", "launch")
	require.NoError(t, os.MkdirAll(here, 0o755))
	launched := func(env ...string) (string, int) {
		command := exec.CommandContext(t.Context(), os.Args[0], "argument")
		command.Dir, command.Env = here, append(append(os.Environ(), "LAUNCH_TEST=1"), env...)
		output, err := command.CombinedOutput()
		var exit *exec.ExitError
		require.ErrorAs(t, err, &exit, "%s", output)
		return string(output), exit.ExitCode()
	}

	says("one ")
	said, code := launched()
	assert.Equal(t, "one 2", said, "with the arguments that it was given")
	assert.Equal(t, 3, code, "the status is the program's")

	says("two ")
	said, _ = launched()
	assert.Equal(t, "two 2", said)
	says("three ")
	said, _ = launched("WARREN_BUILT=1")
	assert.Equal(t, "two 2", said, "who has built it says so")

	write("infra/main.go", "package main\n\nfunc main() { nonsense }\n")
	said, code = launched()
	assert.Contains(t, said, "undefined: nonsense")
	assert.Contains(t, said, "build ./infra: ")
	assert.Equal(t, 1, code)

	require.NoError(t, os.Remove(filepath.Join(module, "go.mod")))
	said, _ = launched()
	assert.Contains(t, said, "there is no go.mod in "+here+" or above")
}
