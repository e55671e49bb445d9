package stack

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// cli is a Pulumi command and the environment to run it in.
type cli struct {
	path string
	env  []string
}

// findProject returns the folder of the Pulumi project that dir lies in.
func findProject(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find Pulumi.yaml: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "Pulumi.yaml")); err == nil {
			return at, nil
		} else if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("find Pulumi.yaml: %w", err)
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("no Pulumi.yaml in %s or above: run in the project's folder, or give the outputs "+
				"with --outputs", dir)
		}
	}
}

// findCLI returns the Pulumi command for a stack: the one on PATH, else the project's own toolchain.
//
// `make up` keeps state and passphrase under .warren unless the environment says otherwise. So that a plain
// shell finds the same stack, the same defaults are applied here when the toolchain is ours or our state
// holds the stack; otherwise the user's environment is left as it is.
func findCLI(project, stack string) (cli, error) {
	home := filepath.Join(project, ".warren")
	path, err := exec.LookPath("pulumi")
	own := err != nil
	if own {
		path, err = exec.LookPath(filepath.Join(home, "tools", "pulumi"))
		if err != nil {
			return cli{}, fmt.Errorf("%w: neither on PATH nor in %s; `make tools` installs one", ErrNoPulumi,
				filepath.Join(home, "tools"))
		}
	}
	env := os.Environ()
	if !own && !holds(home, stack) {
		return cli{path: path, env: env}, nil
	}
	env = withDefault(env, "PULUMI_BACKEND_URL", "file://"+filepath.Join(home, "state"))
	if os.Getenv("PULUMI_CONFIG_PASSPHRASE") == "" {
		env = withDefault(env, "PULUMI_CONFIG_PASSPHRASE_FILE", filepath.Join(home, "passphrase"))
	}
	env = withDefault(env, "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER", "true")
	env = withDefault(env, "PULUMI_SKIP_UPDATE_CHECK", "true")
	if own {
		env = withDefault(env, "PULUMI_HOME", filepath.Join(home, "pulumi"))
	}
	return cli{path: path, env: env}, nil
}

// holds tells whether the project's own state holds the stack.
func holds(home, stack string) bool {
	matches, err := filepath.Glob(filepath.Join(home, "state", ".pulumi", "stacks", "*", stack+".json*"))
	return err == nil && len(matches) > 0
}

// withDefault sets a variable that is not set.
func withDefault(env []string, name, value string) []string {
	if os.Getenv(name) != "" {
		return env
	}
	return append(env, name+"="+value)
}

// Project returns the folder of the Pulumi project that dir lies in.
func Project(dir string) (string, error) { return findProject(dir) }
