// Command launch is what Pulumi builds and runs. It builds Warren's program, unless that is built already,
// and continues as it.
//
// Pulumi builds its program again with every command, and forgets what it has built. To link everything that
// Warren's consists of takes seconds; to link this, and to see that the other is built, less than one.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

const (
	// program is the package of the program, relative to the module, and built where it is kept.
	program = "./infra"
	built   = ".warren/bin/infra"
	// builtVariable is set by who has just built it, as tools/stack does.
	builtVariable = "WARREN_BUILT"
)

func main() {
	if err := launch(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// launch returns only if it fails.
func launch() error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	module, err := moduleOf(here)
	if err != nil {
		return err
	}
	file := filepath.Join(module, built)
	if os.Getenv(builtVariable) != "" {
		return syscall.Exec(file, os.Args, os.Environ())
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	// Another run may build as well. The lock goes when this becomes another program.
	lock, err := os.OpenFile(file+".lock", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	if err := build(module, file); err != nil {
		return err
	}
	return syscall.Exec(file, os.Args, os.Environ())
}

// build builds the program. It does nothing if what is there was built from the same files.
func build(module, file string) error {
	command := exec.CommandContext(context.Background(), "go", "build", "-buildvcs=false", "-o", file, program)
	command.Dir = module
	command.Stdout, command.Stderr = os.Stderr, os.Stderr // what does not compile is the user's to see
	if err := command.Run(); err != nil {
		return fmt.Errorf("build %s: %w", program, err)
	}
	return nil
}

// moduleOf is the folder of the module that a folder is in.
func moduleOf(folder string) (string, error) {
	for at := folder; ; at = filepath.Dir(at) {
		_, err := os.Stat(filepath.Join(at, "go.mod"))
		switch {
		case err == nil:
			return at, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		case at == filepath.Dir(at):
			return "", fmt.Errorf("there is no go.mod in %s or above", folder)
		}
	}
}
