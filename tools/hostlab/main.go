// Command hostlab makes several hosts out of this machine: tools/hosts, which runs it, tells how.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"warren/internal/hostlab"
)

// errUsage is a call that is none of those there are.
var errUsage = errors.New("usage: tools/hosts up N [--name NAME] [--prefix NETWORK] | load NAME IMAGE... | " +
	"off NAME HOST | on NAME HOST | list | down [NAME]")

// usualName is the lab's name unless another is given.
const usualName = "lab"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Stdout, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tools/hosts:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, args []string) error {
	if len(args) == 0 {
		return errUsage
	}
	verb, args := args[0], args[1:]
	switch {
	case verb == "up" && len(args) > 0:
		return up(ctx, out, args[0], args[1:])
	case verb == "list" && len(args) == 0:
		return list(out)
	case verb == "down" && len(args) <= 1:
		return down(ctx, out, append(args, usualName)[0])
	case verb == "load" && len(args) > 1:
		l, err := hostlab.Open(args[0])
		if err != nil {
			return err
		}
		return l.Load(ctx, args[1:]...)
	case (verb == "off" || verb == "on") && len(args) == 2:
		return power(ctx, verb == "on", args[0], args[1])
	}
	return errUsage
}

func up(ctx context.Context, out io.Writer, number string, args []string) error {
	count, err := strconv.Atoi(number)
	if err != nil {
		return errUsage
	}
	flags := flag.NewFlagSet("tools/hosts up", flag.ContinueOnError)
	name := flags.String("name", usualName, "the name of the lab")
	prefix := flags.String("prefix", "", "the network of the hosts, such as 10.77.0.0/24")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return errors.Join(errUsage, err)
	}
	var network netip.Prefix
	if *prefix != "" {
		if network, err = netip.ParsePrefix(*prefix); err != nil {
			return fmt.Errorf("--prefix: %w", err)
		}
	}
	l, err := hostlab.Up(ctx, *name, network, count)
	if err != nil {
		return err
	}
	if l.Key == "" {
		fmt.Fprintln(os.Stderr, "The hosts have no SSH servers: install openssh-server before, to try "+
			"ssh:// engines.")
	}
	fmt.Fprint(out, l.Config())
	return nil
}

func list(out io.Writer) error {
	labs, err := hostlab.List()
	for _, l := range labs {
		fmt.Fprintf(out, "%s (%s)\n", l.Name, l.Network)
		for _, h := range l.Hosts {
			fmt.Fprintf(out, "  %s  %s  %s  %s\n", h.Name, h.Address, h.Engine, h.SSH)
		}
	}
	return err
}

func down(ctx context.Context, out io.Writer, name string) error {
	l, err := hostlab.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		fmt.Fprintf(out, "There is no lab %s.\n", name)
		return nil
	}
	if err != nil {
		return err
	}
	return l.Down(ctx)
}

func power(ctx context.Context, on bool, lab, host string) error {
	l, err := hostlab.Open(lab)
	if err != nil {
		return err
	}
	h, err := l.Host(host)
	if err != nil {
		return err
	}
	if on {
		return l.PowerOn(ctx, h)
	}
	return l.PowerOff(ctx, h)
}
