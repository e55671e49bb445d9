package deploy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// stackFile is the name of the file with a stack's configuration.
func stackFile(stack string) string { return "Pulumi." + stack + ".yaml" }

// requireFile makes sure that a stack is described.
func requireFile(root, stack string) error {
	_, err := os.Stat(filepath.Join(root, stackFile(stack)))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s: choose one of %s, or write one", stackFile(stack),
			strings.Join(stacks(root), ", "))
	}
	return err
}

// stacks are the names of the stacks that the project describes.
func stacks(root string) []string {
	files, _ := filepath.Glob(filepath.Join(root, stackFile("*"))) // the pattern is right
	names := make([]string, len(files))
	for i, file := range files {
		names[i] = strings.TrimSuffix(strings.TrimPrefix(filepath.Base(file), "Pulumi."), ".yaml")
	}
	return names
}

// file is the copy of the stack's file that Pulumi works with.
func (s *Stack) file() string { return filepath.Join(s.copies, stackFile(s.name)) }

// copy copies the project's file and the stack's, if there is one, for Pulumi to work with.
func (s *Stack) copy() error {
	if err := os.MkdirAll(s.copies, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"Pulumi.yaml", stackFile(s.name)} {
		text, err := os.ReadFile(filepath.Join(s.root, name))
		if err != nil && (name == "Pulumi.yaml" || !errors.Is(err, fs.ErrNotExist)) {
			return err
		}
		if err := os.WriteFile(filepath.Join(s.copies, name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}
