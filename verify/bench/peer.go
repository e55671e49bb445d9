package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// peerModule is the folder, below the project's, of the module that uses go-rabbitmq.
const peerModule = "verify/bench/peer"

var peerOnce struct {
	sync.Once
	program string
	err     error
}

// buildPeer builds the program that uses go-rabbitmq, once, and returns where it is.
func buildPeer(ctx context.Context) (string, error) {
	peerOnce.Do(func() { peerOnce.program, peerOnce.err = compilePeer(ctx) })
	return peerOnce.program, peerOnce.err
}

func compilePeer(ctx context.Context) (string, error) {
	project, err := projectFolder()
	if err != nil {
		return "", err
	}
	program := filepath.Join(project, ".warren", "bench", "peer")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	cmd.Dir = filepath.Join(project, peerModule)
	if said, err := cmd.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", &MissingError{What: "Go, which builds the program with go-rabbitmq", Hint: "install it from https://go.dev/dl"}
		}
		return "", fmt.Errorf("build %s: %w: %s", peerModule, err, strings.TrimSpace(string(said)))
	}
	return program, nil
}

// projectFolder is the folder with Pulumi.yaml, the working directory or one above it.
func projectFolder() (string, error) {
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
			return "", &MissingError{What: "the project's folder", Hint: "run the benchmarks in a clone of the project"}
		}
		dir = above
	}
}
