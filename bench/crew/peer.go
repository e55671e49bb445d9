package crew

import (
	"warren/bench/lab"

	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// peerModule is the folder, below the project's, of the module that uses go-rabbitmq.
const peerModule = "bench/crew/peer"

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
	project, err := lab.ProjectFolder()
	if err != nil {
		return "", err
	}
	program := filepath.Join(project, ".warren", "bench", "peer")
	cmd := exec.CommandContext(ctx, "go", "build", "-o", program, ".")
	cmd.Dir = filepath.Join(project, peerModule)
	if said, err := cmd.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", &lab.MissingError{What: "Go, which builds the program with go-rabbitmq",
				Hint: "install it from https://go.dev/dl"}
		}
		return "", fmt.Errorf("build %s: %w: %s", peerModule, err, strings.TrimSpace(string(said)))
	}
	return program, nil
}
