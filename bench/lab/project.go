package lab

import (
	"fmt"
	"os"
	"path/filepath"
)

// ProjectFolder is the folder with Pulumi.yaml, the working directory or one above it.
func ProjectFolder() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the project: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "Pulumi.yaml")); err == nil {
			return dir, nil
		}
		above := filepath.Dir(dir)
		if above == dir {
			return "", &MissingError{What: "the project's folder",
				Hint: "run the benchmarks in a clone of the project"}
		}
		dir = above
	}
}
