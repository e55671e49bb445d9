// Command clustertests runs the tests that need real clusters: tools/cluster-tests, which runs it, tells how.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"warren/internal/livestack"
)

// own are the packages whose tests bring up clusters of their own. All others share one.
var own = []string{
	"./topology/render", "./topology/monitoring", "./infra", "./infra/component", "./internal/hostlab",
	"./operate/deploy", "./verify/daytwo",
	"./verify/hosts", "./verify/hostfault", "./verify/tls", "./verify/users",
}

// usual is what runs unless packages are named: all but the long tests.
var usual = []string{
	"./topology/render", "./topology/monitoring", "./infra", "./infra/component", "./operate/deploy",
	"./clients", "./operate/cluster", "./operate/health", "./verify/scenario",
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "tools/cluster-tests:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	alone, sharing, flags := split(args)
	if len(alone) > 0 {
		say("clusters of the tests' own: %s", strings.Join(alone, " "))
		if err := test(ctx, slices.Concat(alone, flags)); err != nil {
			return err
		}
	}
	if len(sharing) == 0 {
		return nil
	}
	say("one cluster for the rest: %s", strings.Join(sharing, " "))
	return livestack.Share(ctx, func(outputs string) error {
		// One package at a time, since they break the same cluster.
		err := test(ctx, slices.Concat([]string{"-p", "1"}, sharing, flags), livestack.OutputsVariable+"="+outputs)
		say("removing the cluster")
		return err
	})
}

// split sorts arguments into packages with clusters of their own, packages that share one, and flags of `go
// test`.
func split(args []string) (alone, sharing, flags []string) {
	isFlag := func(arg string) bool { return !strings.HasPrefix(arg, "./") }
	if !slices.ContainsFunc(args, func(arg string) bool { return !isFlag(arg) }) {
		args = slices.Concat(usual, args)
	}
	for _, arg := range args {
		switch {
		case isFlag(arg):
			flags = append(flags, arg)
		case slices.Contains(own, arg):
			alone = append(alone, arg)
		default:
			sharing = append(sharing, arg)
		}
	}
	return alone, sharing, flags
}

// test runs `go test`. An interrupt is passed on, so that tests remove what they have made.
func test(ctx context.Context, args []string, env ...string) error {
	args = slices.Concat([]string{"test", "-tags", "cluster", "-count=1", "-timeout", "60m"}, args)
	command := exec.CommandContext(ctx, "go", args...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.Env = append(os.Environ(), env...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("go test: %w", err)
	}
	return nil
}

func say(format string, args ...any) { fmt.Printf("\n== "+format+"\n", args...) }
