package stack

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const outputs = `{"managementUrl": "http://127.0.0.1:15671", "password": "secret",
 "nodes": [{"name": "rabbit1", "nodeName": "rabbit@rabbit1", "amqpPort": 5672}]}`

// project makes a Pulumi project whose own toolchain has a pulumi command that runs a script. PATH has none.
func project(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Pulumi.yaml"), []byte("name: warren\n"), 0o600))
	tools := filepath.Join(dir, ".warren", "tools")
	require.NoError(t, os.MkdirAll(tools, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(tools, "pulumi"), []byte("#!/bin/sh\n"+script), 0o700))
	t.Setenv("PATH", filepath.Join(dir, "no-such-folder"))
	for _, name := range []string{"PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE",
		"PULUMI_CONFIG_PASSPHRASE_FILE", "PULUMI_HOME"} {
		t.Setenv(name, "")
	}
	return dir
}

func TestOutputsComeFromPulumi(t *testing.T) {
	dir := project(t,
		`[ "$*" = "stack output --json --show-secrets --non-interactive --color never --stack dev" ] || exit 9
echo '`+outputs+`'`)
	below := filepath.Join(dir, "clients")
	require.NoError(t, os.Mkdir(below, 0o700))
	read, err := Outputs(t.Context(), below, "dev")
	require.NoError(t, err)
	assert.Equal(t, "secret", read.Password)
	assert.Equal(t, 5672, read.Nodes[0].AMQPPort)
}

func TestOwnToolchainUsesOwnStateAndPassphrase(t *testing.T) {
	dir := project(t, `echo "$PULUMI_BACKEND_URL $PULUMI_CONFIG_PASSPHRASE_FILE $PULUMI_HOME" >&2; exit 1`)
	_, err := Outputs(t.Context(), dir, "dev")
	own := filepath.Join(dir, ".warren")
	assert.ErrorContains(t, err, "file://"+own+"/state "+own+"/passphrase "+own+"/pulumi")
}

func TestEnvironmentOfTheUserComesFirst(t *testing.T) {
	dir := project(t, `echo "$PULUMI_BACKEND_URL ($PULUMI_CONFIG_PASSPHRASE_FILE)" >&2; exit 1`)
	t.Setenv("PULUMI_BACKEND_URL", "s3://mine")
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", "mine as well")
	_, err := Outputs(t.Context(), dir, "dev")
	assert.ErrorContains(t, err, "s3://mine ()")
}

// TestPulumiOnPathKeepsItsOwnBackend unless the project's own state holds the stack.
func TestPulumiOnPathKeepsItsOwnBackend(t *testing.T) {
	dir := project(t, `echo "backend=[$PULUMI_BACKEND_URL]" >&2; exit 1`)
	t.Setenv("PATH", filepath.Join(dir, ".warren", "tools"))
	_, err := Outputs(t.Context(), dir, "dev")
	assert.ErrorContains(t, err, "backend=[]")

	stacks := filepath.Join(dir, ".warren", "state", ".pulumi", "stacks", "warren")
	require.NoError(t, os.MkdirAll(stacks, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(stacks, "dev.json"), nil, 0o600))
	_, err = Outputs(t.Context(), dir, "dev")
	assert.ErrorContains(t, err, "backend=[file://")
}

func TestErrorsSayWhatToDo(t *testing.T) {
	for _, test := range []struct {
		script, says string
		is           error
	}{
		{`echo "error: no stack named 'dev' found" >&2; exit 255`, "make up STACK=dev", ErrNoStack},
		{`echo '{}'`, "make up STACK=dev", ErrNotUp},
		{`echo "error: passphrase must be set with PULUMI_CONFIG_PASSPHRASE" >&2; exit 255`,
			"set PULUMI_CONFIG_PASSPHRASE_FILE", nil},
		{`echo "error: something else" >&2; exit 255`, "something else", nil},
		{`exit 7`, "exit status 7", nil},
		{`echo 'not JSON'`, "decode stack outputs", nil},
	} {
		t.Run(test.script, func(t *testing.T) {
			_, err := Outputs(t.Context(), project(t, test.script), "dev")
			require.ErrorContains(t, err, test.says)
			if test.is != nil {
				assert.ErrorIs(t, err, test.is)
			}
		})
	}
}

func TestNoPulumiAtAll(t *testing.T) {
	dir := project(t, "")
	require.NoError(t, os.RemoveAll(filepath.Join(dir, ".warren")))
	_, err := Outputs(t.Context(), dir, "dev")
	assert.ErrorIs(t, err, ErrNoPulumi)
}

func TestNoProject(t *testing.T) {
	_, err := Outputs(t.Context(), t.TempDir(), "dev")
	assert.ErrorContains(t, err, "no Pulumi.yaml")
}

func TestReadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "outputs.json")
	require.NoError(t, os.WriteFile(path, []byte(outputs), 0o600))
	read, err := ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "rabbit1", read.Nodes[0].Name)

	_, err = ReadFile(path + ".missing")
	assert.True(t, errors.Is(err, os.ErrNotExist))
}

func TestOutputsWithoutNodesAreOfAStackThatIsNotUp(t *testing.T) {
	_, err := Read(strings.NewReader("{}"))
	assert.ErrorIs(t, err, ErrNotUp)
}

// TestOutputsOfAnOlderVersion lack the stack's name.
func TestOutputsOfAnOlderVersion(t *testing.T) {
	dir := project(t, "echo '"+outputs+"'")
	read, err := Outputs(t.Context(), dir, "dev")
	require.NoError(t, err)
	assert.Equal(t, "dev", read.Stack)

	for text, want := range map[string]string{
		`{"nodes": [{}], "network": "warren-tutorial"}`:                  "tutorial",
		`{"nodes": [{}], "network": "warren-tutorial", "stack": "mine"}`: "mine",
		`{"nodes": [{}], "network": "by-hand"}`:                          "",
	} {
		read, err := Read(strings.NewReader(text))
		require.NoError(t, err)
		assert.Equal(t, want, read.Stack, text)
	}
}
