// Command deploy works on a stack: tools/stack, which runs it, tells how.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"warren/operate/deploy"
)

// errUsage is the mistake of a call that names no stack, or no verb that there is.
var errUsage = errors.New("usage: tools/stack up|down|init|images|copy-images STACK [FLAG...]")

func main() {
	err := run(os.Args[1:])
	var exit *deploy.ExitError
	switch {
	case err == nil:
	case errors.As(err, &exit):
		os.Exit(exit.Code)
	case errors.Is(err, errUsage):
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	default:
		fmt.Fprintf(os.Stderr, "tools/stack: %v\n", err)
		os.Exit(1)
	}
}

// run works on a stack of the project in the working directory.
func run(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(args) < 2 || args[1] == "" {
		return errUsage
	}
	verb, name, flags := args[0], args[1], args[2:]
	root, err := os.Getwd()
	if err != nil {
		return err
	}
	if verb == "images" {
		images, err := deploy.Images(root, name, flags...)
		if err == nil {
			fmt.Println(strings.Join(images, "\n"))
		}
		return err
	}
	if verb == "copy-images" {
		return deploy.CopyImages(ctx, root, name, os.Stdout, flags...)
	}
	work, ok := map[string]func(*deploy.Stack) error{
		"up":   func(s *deploy.Stack) error { return s.Up(ctx, flags...) },
		"down": func(s *deploy.Stack) error { return s.Down(ctx, flags...) },
		"init": func(s *deploy.Stack) error { return s.Init(ctx) },
	}[verb]
	if !ok {
		return errUsage
	}
	stack, err := deploy.Open(ctx, root, name)
	if err != nil {
		return err
	}
	return work(stack)
}
