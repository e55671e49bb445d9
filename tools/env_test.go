package tools_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// evaluated is what a variable is after eval "$(tools/env)".
func (p *project) evaluated(variable string) string {
	p.t.Helper()
	command := exec.Command("bash", "-c", `eval "$("$0")"; printf %s "${`+variable+`-unset}"`,
		p.file("tools/env"))
	command.Env = append([]string{"PATH=" + os.Getenv("PATH")}, p.env...)
	output, err := command.Output()
	require.NoError(p.t, err)
	return string(output)
}

func TestEnvKeepsStateAndPassphraseInTheProject(t *testing.T) {
	p := newProject(t)
	assert.Equal(t, "file://"+p.file(".warren/state"), p.evaluated("PULUMI_BACKEND_URL"))
	assert.DirExists(t, p.file(".warren/state"))

	assert.Equal(t, p.file(".warren/passphrase"), p.evaluated("PULUMI_CONFIG_PASSPHRASE_FILE"))
	passphrase := p.read(".warren/passphrase")
	assert.Regexp(t, `^[0-9a-f]{64}$`, passphrase)
	info, err := os.Stat(p.file(".warren/passphrase"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	p.evaluated("PATH")
	assert.Equal(t, passphrase, p.read(".warren/passphrase"), "a second call must not replace the passphrase")
}

func TestEnvRespectsTheUsersOwn(t *testing.T) {
	p := newProject(t)
	p.env = []string{"PULUMI_BACKEND_URL=s3://states", "PULUMI_CONFIG_PASSPHRASE="}
	assert.Equal(t, "s3://states", p.evaluated("PULUMI_BACKEND_URL"))
	assert.Equal(t, "unset", p.evaluated("PULUMI_CONFIG_PASSPHRASE_FILE"), "an empty passphrase is a passphrase")
	assert.NoFileExists(t, p.file(".warren/passphrase"))
}

func TestEnvSetsPulumiHomeOnlyForTheProjectsOwnPulumi(t *testing.T) {
	p := newProject(t)
	assert.Equal(t, "unset", p.evaluated("PULUMI_HOME"))
	p.write(".warren/tools/pulumi", "")
	assert.Equal(t, p.file(".warren/pulumi"), p.evaluated("PULUMI_HOME"))
}
