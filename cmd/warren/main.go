// Command warren works with a stack that is up: it shows the cluster's state, declares the application's
// queues, sends and receives messages, injects faults and judges what became of the messages.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Exit statuses: 0 all is well, 1 something is wrong or failed, 130 interrupted by a signal, as a shell
// counts it.
const (
	exitFailure     = 1
	exitInterrupted = 130
)

func main() {
	os.Exit(run())
}

// run keeps os.Exit out of the way of deferred calls.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal cancels the context, so that faults are healed and connections closed; the second one
	// kills.
	context.AfterFunc(ctx, stop)

	err := newRoot().ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "warren:", err)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	return exitFailure
}
