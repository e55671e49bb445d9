package lab

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// tutorialScripts are the tutorial's programs as they stand, but for where the broker is and the password,
// which come from the environment; and the programs that drive them: flood.py and steady.py.
//
//go:embed tutorial/*.py
var tutorialScripts embed.FS

// PythonWithPika finds an interpreter that has pika, once.
var PythonWithPika = sync.OnceValues(func() (string, error) {
	// Debian's package is for Debian's interpreter, which need not be the first on PATH.
	for _, candidate := range []string{"python3", "/usr/bin/python3"} {
		path, err := exec.LookPath(candidate)
		if err == nil && exec.CommandContext(context.Background(), path, "-c", "import pika").Run() == nil {
			return path, nil
		}
	}
	return "", &MissingError{What: "a Python with pika", Hint: "install it with `apt-get install python3-pika`"}
})

// Python prepares to run one of the tutorial's scripts against the broker at an AMQP URI. The caller calls
// done when the command has ended.
func Python(
	ctx context.Context, endpoint, script string, args ...string,
) (cmd *exec.Cmd, done func() error, err error) {
	interpreter, err := PythonWithPika()
	if err != nil {
		return nil, nil, err
	}
	at, err := url.Parse(endpoint)
	if err != nil {
		// the error would show the password
		return nil, nil, errors.New("an AMQP endpoint of the stack is not a URI")
	}
	dir, err := os.MkdirTemp("", "warren-bench-")
	if err != nil {
		return nil, nil, fmt.Errorf("run %s: %w", script, err)
	}
	done = func() error { return os.RemoveAll(dir) }
	scripts, err := fs.Sub(tutorialScripts, "tutorial")
	if err == nil {
		err = os.CopyFS(dir, scripts)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("run %s: %w", script, err), done())
	}
	cmd = exec.CommandContext(ctx, interpreter, append([]string{"-u", filepath.Join(dir, script)}, args...)...)
	password, _ := at.User.Password()
	cmd.Env = append(os.Environ(), "RABBITMQ_HOST="+at.Hostname(), "RABBITMQ_PORT="+at.Port(),
		"RABBITMQ_USERNAME="+at.User.Username(), "RABBITMQ_PASSWORD="+password)
	return cmd, done, nil
}

// RunScript runs a script that ends by itself, within limit, and returns what it printed. Its environment
// gets variables, as KEY=value.
func RunScript(
	ctx context.Context, limit time.Duration, endpoint, script string, variables []string, args ...string,
) (printed []byte, err error) {
	// The tutorial's programs wait forever where a broker blocks them.
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("it did not end within %s", limit))
	defer cancel()
	cmd, done, err := Python(ctx, endpoint, script, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, done()) }()
	cmd.Env = append(cmd.Env, variables...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, ScriptError(script, err, stderr.String())
	}
	return stdout.Bytes(), nil
}

// ScriptError is the error of a script with the end of what it said.
func ScriptError(script string, err error, said string) error {
	const most = 500
	said = strings.TrimSpace(said)
	if len(said) > most {
		said = "..." + said[len(said)-most:]
	}
	return fmt.Errorf("%s: %w: %s", script, err, said)
}
