// Package stack reads the outputs of a Pulumi stack: the contract between the program that provisions a
// cluster and everything that works with it afterwards.
package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"warren/topology"
)

// Errors that callers may want to tell apart.
var (
	// ErrNoStack says that the backend knows no stack of that name.
	ErrNoStack = errors.New("no such stack")
	// ErrNotUp says that the stack exists and has no outputs: it was never brought up, or was destroyed.
	ErrNotUp = errors.New("stack is not up")
	// ErrNoPulumi says that there is no Pulumi CLI, neither on PATH nor in the project's own toolchain.
	ErrNoPulumi = errors.New("no pulumi command")
)

// Outputs returns the outputs of the named stack of the Pulumi project in dir or above it, secrets included.
//
// It runs `pulumi stack output`. The Automation API would run the same command, but only after `pulumi
// stack select`, which changes the stack that the user's next command works on.
func Outputs(ctx context.Context, dir, name string) (topology.Outputs, error) {
	project, err := findProject(dir)
	if err != nil {
		return topology.Outputs{}, err
	}
	cli, err := findCLI(project, name)
	if err != nil {
		return topology.Outputs{}, err
	}
	cmd := exec.CommandContext(ctx, cli.path,
		"stack", "output", "--json", "--show-secrets", "--non-interactive", "--color", "never", "--stack", name)
	cmd.Dir = project
	cmd.Env = cli.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return topology.Outputs{}, fmt.Errorf("read outputs of stack %q: %w", name, ctx.Err())
		}
		return topology.Outputs{}, explain(name, err, stderr.String())
	}
	outputs, err := Read(&stdout)
	if err != nil {
		return topology.Outputs{}, fmt.Errorf("stack %q: %w; bring it up with `make up STACK=%s` or `pulumi up "+
			"--stack %s`",
			name, err, name, name)
	}
	if outputs.Stack == "" {
		outputs.Stack = name
	}
	return outputs, nil
}

// Read decodes outputs as `pulumi stack output --json --show-secrets` prints them. Those of an older
// version of Warren lack the stack's name, which is then taken from that of the network, and the names of
// its helpers, of which package health warns.
func Read(r io.Reader) (topology.Outputs, error) {
	var outputs topology.Outputs
	if err := json.NewDecoder(r).Decode(&outputs); err != nil {
		return outputs, fmt.Errorf("decode stack outputs: %w", err)
	}
	if len(outputs.Nodes) == 0 {
		return outputs, fmt.Errorf("%w: it has no nodes among its outputs", ErrNotUp)
	}
	if outputs.Stack == "" {
		outputs.Stack = stackOf(outputs.Network)
	}
	return outputs, nil
}

// stackOf is the name of the stack whose network has a name; empty if no stack's has it.
func stackOf(network string) string {
	stack, isStacks := strings.CutPrefix(network, (&topology.Cluster{}).NetworkName())
	if !isStacks {
		return ""
	}
	return stack
}

// ReadFile decodes outputs saved in a file.
func ReadFile(path string) (topology.Outputs, error) {
	file, err := os.Open(path)
	if err != nil {
		return topology.Outputs{}, fmt.Errorf("read stack outputs: %w", err)
	}
	defer file.Close()
	outputs, err := Read(file)
	if err != nil {
		return topology.Outputs{}, fmt.Errorf("%s: %w", path, err)
	}
	return outputs, nil
}

// explain turns a failure of the CLI into an error that says what to do.
func explain(name string, err error, stderr string) error {
	stderr = strings.TrimSpace(stderr)
	switch {
	case strings.Contains(stderr, "no stack named"):
		return fmt.Errorf("%w: %q; bring it up with `make up STACK=%s` or `pulumi up --stack %s`",
			ErrNoStack, name, name, name)
	case strings.Contains(stderr, "incorrect passphrase"), strings.Contains(stderr, "passphrase must be set"):
		return fmt.Errorf("stack %q: its secrets cannot be read: set PULUMI_CONFIG_PASSPHRASE_FILE or "+
			"PULUMI_CONFIG_PASSPHRASE as when it was brought up: %s", name, stderr)
	case stderr == "":
		return fmt.Errorf("read outputs of stack %q: %w", name, err)
	default:
		return fmt.Errorf("read outputs of stack %q: %w: %s", name, err, stderr)
	}
}
