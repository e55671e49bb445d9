package crew

import (
	"warren/bench/lab"

	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"warren/internal/wait"
	"warren/verify/history"
	"warren/verify/traffic"
)

// The roles of a child.
const (
	produce = "produce"
	consume = "consume"
)

const (
	// restartAfter is how long a supervisor waits before it starts a client again that has ended by itself.
	restartAfter = time.Second
	// killAfter is how long a client may take to end when asked to.
	killAfter = 2 * time.Second
)

// command prepares a client in a role, which is to end with ctx, and what to call when it has ended. The ids
// of a producer's messages begin with the prefix.
type command func(ctx context.Context, path traffic.Path, role, prefix string) (cmd *exec.Cmd,
	done func() error, err error)

// children are clients that are processes of their own and say on standard output what happens. One that ends
// by itself is started again, as a supervisor would.
type children struct {
	command  command
	recorder *history.Recorder

	stopProducers, stopConsumers context.CancelFunc
	producers, consumers         sync.WaitGroup
}

// startChildren starts a consumer and a producer for every path.
func startChildren(paths []traffic.Path, recorder *history.Recorder, c command) Running {
	producing, stopProducers := context.WithCancel(context.Background())
	consuming, stopConsumers := context.WithCancel(context.Background())
	f := &children{command: c, recorder: recorder, stopProducers: stopProducers, stopConsumers: stopConsumers}
	for _, path := range paths {
		f.consumers.Go(func() { f.supervise(consuming, path, consume) })
		f.producers.Go(func() { f.supervise(producing, path, produce) })
	}
	return f
}

// supervise runs a client until ctx ends.
func (f *children) supervise(ctx context.Context, path traffic.Path, role string) {
	name := map[string]string{produce: "producer ", consume: "consumer "}[role] + path.Name
	for life := 1; ctx.Err() == nil; life++ {
		if life > 1 {
			_ = wait.Sleep(ctx, restartAfter)
		}
		if err := f.live(ctx, path, role, name, life); err != nil && ctx.Err() == nil {
			f.recorder.Event(history.Client, name, "ended by itself: "+err.Error())
		}
	}
}

// live runs a client once and records what it says.
func (f *children) live(ctx context.Context, path traffic.Path, role, name string, life int) (err error) {
	prefix := strings.ReplaceAll(path.Name, " ", "-") + strings.Repeat("'", life-1)
	cmd, done, err := f.command(ctx, path, role, prefix)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = killAfter
	var said tail
	cmd.Stderr = &said
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	f.record(stdout, name, path.Name)
	if err := cmd.Wait(); err != nil {
		return lab.ScriptError(role, err, said.String())
	}
	return errors.New("exit status 0")
}

// record records events, one per line, until there are no more.
func (f *children) record(events io.Reader, name, path string) {
	attempts := map[string]history.Attempt{}
	lines := bufio.NewScanner(events)
	for lines.Scan() {
		event, rest, _ := strings.Cut(lines.Text(), " ")
		id, reason, _ := strings.Cut(rest, " ")
		switch event {
		case "attempt":
			attempts[id] = f.recorder.Attempt(name, path, id)
		case "confirmed", "failed":
			attempt, known := attempts[id]
			if !known {
				continue
			}
			delete(attempts, id)
			if event == "confirmed" {
				attempt.Done(history.Confirmed, nil)
			} else {
				attempt.Done(history.Unknown, errors.New(reason))
			}
		case "delivered":
			f.recorder.Delivered(name, path, id, false)
		}
	}
}

// StopProducers ends the producers. What they have not told by then remains unknown.
func (f *children) StopProducers(context.Context) error {
	f.stopProducers()
	f.producers.Wait()
	return nil
}

// Close ends the consumers as well.
func (f *children) Close(ctx context.Context) error {
	err := f.StopProducers(ctx)
	f.stopConsumers()
	f.consumers.Wait()
	return err
}

// tail keeps the end of what is written to it.
type tail struct{ bytes.Buffer }

const tailSize = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	n, err := t.Buffer.Write(p)
	if over := t.Len() - tailSize; over > 0 {
		t.Next(over)
	}
	return n, err
}
