package rabbit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// RabbitMQ's command-line tools. Each starts an Erlang virtual machine, which takes a second of CPU time.
const (
	CTL     = "rabbitmqctl"
	Queues  = "rabbitmq-queues"
	Streams = "rabbitmq-streams"
	Upgrade = "rabbitmq-upgrade"
)

// toolTimeout bounds a command for which its caller sets no earlier end.
const toolTimeout = 2 * time.Minute

// Command is one call of a tool.
type Command struct {
	Tool string
	// Node is the node that the tool talks to.
	Node string
	Args []string
	// Input is what the tool reads: secrets go this way, and no other.
	Input string
}

// Tools run commands.
type Tools interface {
	// Run returns what the command printed. Its error holds what the command complained of.
	Run(ctx context.Context, command Command) (output string, err error)
}

// LocalTools are the tools of this machine.
type LocalTools struct{}

// Run runs a command. If ctx ends first, the command and everything that it started are killed.
func (LocalTools) Run(ctx context.Context, command Command) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, toolTimeout)
	defer cancel()
	args := append([]string{"--quiet", "--node", command.Node}, command.Args...)
	cmd := exec.CommandContext(ctx, command.Tool, args...)
	cmd.Stdin = strings.NewReader(command.Input)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	// a tool is a shell script that starts the virtual machine
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return stdout.String(), &ToolError{Command: command, Output: complaint(stdout.String(), stderr.String()),
			Err: errors.Join(err, ctx.Err())}
	}
	return stdout.String(), nil
}

// ToolError is a command that failed.
type ToolError struct {
	Command Command
	Output  string
	Err     error
}

// Error names the command without its input, and what it complained of.
func (e *ToolError) Error() string {
	return fmt.Sprintf("%s %s on %s: %v: %s", e.Command.Tool, strings.Join(e.Command.Args, " "), e.Command.Node,
		e.Err, e.Output)
}

// Unwrap returns why the command ended.
func (e *ToolError) Unwrap() error { return e.Err }

// complaint is the part of a command's output that says what is wrong. The tools explain at length how to
// use them.
func complaint(outputs ...string) string {
	const limit = 400
	text := strings.Join(strings.Fields(strings.Join(outputs, " ")), " ")
	if i := strings.Index(text, "Error"); i > 0 {
		text = text[i:]
	}
	if len(text) > limit {
		text = text[:limit] + "…"
	}
	return text
}
