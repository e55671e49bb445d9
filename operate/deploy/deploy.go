// Package deploy brings stacks of this project up and down with Pulumi in a way that is safe to repeat.
//
// It repairs what a killed run left behind, and it keeps the checkout clean: left alone, Pulumi writes the
// salt of a stack's secrets into Pulumi.<stack>.yaml, which is in git. The salt is in the stack's state as
// well, so here Pulumi is given copies to write to.
//
// State is read and changed through Pulumi's Automation API. `pulumi up` and `pulumi destroy` themselves
// run on the user's terminal, with the user's flags: the Automation API would take the live display away,
// and kill a run ten seconds after an interrupt, when a container may still be on its way.
package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
)

// Stack is a stack of the project, which may exist or not.
type Stack struct {
	name string
	// root is the project's folder, copies the one with copies of its Pulumi.yaml and Pulumi.<stack>.yaml.
	root, copies string
	backend      string
	// project works in root, where the program is; scratch works in copies, where Pulumi may write.
	project, scratch auto.Workspace
	out, err         io.Writer
}

// Open prepares to work on a stack of the project in the folder root. Where Pulumi keeps state and secrets
// is told by the environment, as tools/env sets it.
func Open(ctx context.Context, root, name string) (*Stack, error) {
	if _, err := exec.LookPath("pulumi"); err != nil {
		return nil, errors.New("there is no pulumi on PATH: run `make tools`, then `eval \"$(tools/env)\"`")
	}
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	command, err := auto.NewPulumiCommand(nil)
	if err != nil {
		return nil, err
	}
	s := &Stack{
		name: name, root: root, copies: filepath.Join(root, ".warren", "stacks", name),
		backend: os.Getenv("PULUMI_BACKEND_URL"), out: os.Stdout, err: os.Stderr,
	}
	if s.project, err = auto.NewLocalWorkspace(ctx, auto.WorkDir(s.root), auto.Pulumi(command)); err != nil {
		return nil, err
	}
	s.scratch, err = auto.NewLocalWorkspace(ctx, auto.WorkDir(s.copies), auto.Pulumi(command))
	return s, err
}

// Init makes the stack the selected one, and creates it, empty, unless it exists.
func (s *Stack) Init(ctx context.Context) error {
	if err := s.describe(); err != nil {
		return err
	}
	_, err := s.selectOrCreate(ctx)
	return err
}

// describe makes sure that the stack is described, and copies that for Pulumi to work with.
func (s *Stack) describe() error {
	if err := requireFile(s.root, s.name); err != nil {
		return err
	}
	return s.copy()
}

// selectOrCreate makes the stack, which is described, the selected one, and tells whether it has created it.
func (s *Stack) selectOrCreate(ctx context.Context) (created bool, err error) {
	if err := s.project.SelectStack(ctx, s.name); !auto.IsSelectStack404Error(err) {
		return false, err
	}
	if err := s.scratch.CreateStack(ctx, s.name); err != nil {
		return false, err
	}
	return true, s.project.SelectStack(ctx, s.name)
}

// Up creates or updates the stack. Flags are those of `pulumi up`, which takes the place of this process: Up
// returns only if something is wrong before that.
func (s *Stack) Up(ctx context.Context, flags ...string) error {
	if err := s.describe(); err != nil {
		return err
	}
	if err := s.unlock(ctx); err != nil {
		return err
	}
	// To start Pulumi takes longer than what it does here, so that both questions are asked at once.
	var state stateFile
	var unreadable error
	var looked sync.WaitGroup
	looked.Go(func() { state, unreadable = s.export(ctx) })
	created, err := s.selectOrCreate(ctx)
	looked.Wait()
	if err != nil {
		return err
	}
	if !created { // of one that is new, no run has left anything
		if unreadable != nil {
			return unreadable
		}
		if state, err = s.forgetHosts(ctx, state, flags); err != nil {
			return err
		}
		if err := s.repair(ctx, state); err != nil {
			return err
		}
	}
	pulumi, err := exec.LookPath("pulumi")
	if err != nil {
		return err
	}
	if err := errors.Join(context.Cause(ctx), os.Chdir(s.root)); err != nil {
		return err
	}
	return syscall.Exec(pulumi, append([]string{"pulumi"}, s.operation("up", flags)...), os.Environ())
}

// Down destroys the stack and forgets it, but not its configuration. Flags are those of `pulumi destroy`.
// If that fails, the error is an *ExitError.
func (s *Stack) Down(ctx context.Context, flags ...string) error {
	switch err := s.project.SelectStack(ctx, s.name); {
	case auto.IsSelectStack404Error(err):
		fmt.Fprintf(s.err, "There is no stack %s in %s.\n", s.name, s.backend)
		return nil
	case err != nil:
		return err
	}
	if err := errors.Join(s.copy(), s.unlock(ctx)); err != nil {
		return err
	}
	state, err := s.export(ctx)
	if err != nil {
		return err
	}
	if err := s.repair(ctx, state); err != nil {
		return err
	}
	if err := s.foreground(ctx, "destroy", flags); err != nil {
		return err
	}
	if ctx.Err() != nil { // Pulumi ends an interrupted destroy as if all of it was done
		return fmt.Errorf("interrupted: stack %s is not forgotten yet, run this again", s.name)
	}
	if err := s.scratch.RemoveStack(ctx, s.name); err != nil {
		return err
	}
	return os.RemoveAll(s.copies)
}

// ExitError says that a command of Pulumi's failed, and has told why.
type ExitError struct {
	verb string
	// Code is the command's exit status.
	Code int
}

func (e *ExitError) Error() string {
	return fmt.Sprintf("pulumi %s failed with exit status %d", e.verb, e.Code)
}

// operation is the command line of `pulumi up` or `pulumi destroy`.
func (s *Stack) operation(verb string, flags []string) []string {
	options := []string{"--yes", "--skip-preview", "--stack", s.name, "--config-file", s.file()}
	return slices.Concat([]string{verb}, options, flags)
}

// foreground runs an operation on the terminal, which sends Ctrl-C to Pulumi itself: the first asks it to
// finish what it has begun, the second to stop at once. So an interrupt must not reach it twice, and only
// SIGTERM is passed on.
func (s *Stack) foreground(ctx context.Context, verb string, flags []string) error {
	command := exec.CommandContext(context.WithoutCancel(ctx), "pulumi", s.operation(verb, flags)...)
	command.Dir = s.root
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, s.out, s.err
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := command.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		for {
			select {
			case <-ended:
				return
			case received := <-signals:
				if received == syscall.SIGTERM {
					_ = command.Process.Signal(received) // an error says that it has just ended
				}
			}
		}
	}()
	err := command.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &ExitError{verb, exit.ExitCode()}
	}
	return err
}

// repair removes what a killed run left behind and the next one would stumble over.
func (s *Stack) repair(ctx context.Context, state stateFile) error {
	left, err := leftIn(state)
	if err != nil {
		return fmt.Errorf("the state of stack %s cannot be read: %w", s.name, err)
	}
	if !left.pending {
		return nil
	}
	silent, err := s.removeHalfMade(ctx, left)
	if err != nil {
		return err
	}
	if len(silent) > 0 { // a refresh needs every engine; the program finds what is missing
		delete(state.Deployment, statePending)
		return s.replace(ctx, state)
	}
	stack, err := auto.SelectStack(ctx, s.name, s.project)
	if err != nil {
		return err
	}
	_, err = stack.Refresh(ctx, optrefresh.ClearPendingCreates(), optrefresh.ConfigFile(s.file()),
		optrefresh.ProgressStreams(s.err))
	return err
}
