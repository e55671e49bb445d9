//go:build linux

// Command lyingdisk mounts a disk that can be told to break its promises, and tells it to:
//
//	lyingdisk mount [--strict] [--source NAME] BACKING TARGET    until it is killed or told to stop
//	lyingdisk tell ORDER                                         an order as JSON; prints the report
//	lyingdisk list                                               the disks mounted on the engine's machine
//	lyingdisk unmount TARGET                                     also a disk whose process is gone
//	lyingdisk probe                                              exits 0 where all this is possible
//
// TARGET is a directory of the engine's machine, and BACKING one of the container's. It runs in a container
// that shares the machine's process IDs, with /dev/fuse, CAP_SYS_ADMIN and CAP_SYS_PTRACE. images/build puts
// it into the disktools image.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/pflag"
	"golang.org/x/sys/unix"

	"warren/verify/fault/disk"
	"warren/verify/fault/disk/mount"
	"warren/verify/fault/disk/order"
)

// socket is where the disk of a container takes its orders.
const socket = "/run/lyingdisk"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lyingdisk:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := pflag.NewFlagSet("lyingdisk", pflag.ContinueOnError)
	strict := flags.Bool("strict", false, "entries are durable only when their directory was synced")
	source := flags.String("source", "lyingdisk", "what the table of mounts calls the disk")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch args := flags.Args(); {
	case len(args) == 3 && args[0] == "mount":
		promise := disk.Journaled
		if *strict {
			promise = disk.Strict
		}
		return serve(ctx, args[1], args[2], *source, promise)
	case len(args) == 2 && args[0] == "tell":
		return tell(ctx, args[1])
	case len(args) == 1 && args[0] == "list":
		return list()
	case len(args) == 2 && args[0] == "unmount":
		namespace, err := mount.EngineNamespace()
		if err != nil {
			return err
		}
		return mount.Unmount(args[1], namespace)
	case len(args) == 1 && args[0] == "probe":
		return probe()
	}
	return errors.New("usage: lyingdisk mount [--strict] [--source NAME] BACKING TARGET | tell ORDER | list | " +
		"unmount TARGET | probe")
}

// serve mounts a disk until the context ends or somebody unmounts it.
func serve(ctx context.Context, backing, target, source string, promise disk.Promise) error {
	namespace, err := mount.EngineNamespace()
	if err != nil {
		return err
	}
	// Where the engine's directories are shared mounts, the disk would appear over its own backing directory,
	// and wait for itself.
	if err := unix.Mount("", backing, "", unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep %s apart from the machine's mounts: %w", backing, err)
	}
	d, err := disk.New(backing, promise)
	if err != nil {
		return err
	}
	m, err := mount.Mount(d, target, namespace, source)
	if err != nil {
		return errors.Join(err, d.Close())
	}
	listener, err := mount.Listen(ctx, d, socket)
	if err != nil {
		return errors.Join(err, m.Close(), d.Close())
	}
	unmounted := make(chan struct{})
	go func() { m.Wait(); close(unmounted) }()
	select {
	case <-unmounted:
	case <-ctx.Done():
		err = m.Close()
	}
	return errors.Join(err, listener.Close(), d.Close())
}

// tell gives the disk of this container an order.
func tell(ctx context.Context, text string) error {
	var o order.Order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("order: %w", err)
	}
	report, err := mount.Send(ctx, socket, o)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

// list prints the mounted disks as JSON.
func list() error {
	namespace, err := mount.EngineNamespace()
	if err != nil {
		return err
	}
	mounted, err := mount.List(namespace)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(mounted)
}

// probe mounts a disk in this container, and looks that it could on the machine.
func probe() error {
	if _, err := mount.EngineNamespace(); err != nil {
		return err
	}
	if err := list(); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "lyingdisk-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	backing, target := filepath.Join(folder, "backing"), filepath.Join(folder, "target")
	for _, dir := range []string{backing, target} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	d, err := disk.New(backing, disk.Journaled)
	if err != nil {
		return err
	}
	m, err := mount.Mount(d, target, "", "lyingdisk-probe")
	if err != nil {
		return err
	}
	err = os.WriteFile(filepath.Join(target, "probe"), []byte("written"), 0o600)
	return errors.Join(err, m.Close())
}
