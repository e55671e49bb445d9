// Package agentbinary provides the agent that runs in the containers of a cluster, for the processor of
// their engine. It is built from the module that this program is built from.
package agentbinary

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"warren/topology"
)

// Package is the agent's, and Path where it is in a container.
const (
	Package = "warren/agent"
	Path    = topology.UploadPath + "/agent"
)

// folder is where the agent is built, below the folder of the project. The Docker provider, which reads it,
// and this program have different working folders, so that a path is needed that is right for both and the
// same in every clone.
const folder = ".warren/agent"

// Binary is an agent that was built.
type Binary struct {
	// Source is the file, as the Docker provider takes it.
	Source string
	// Hash identifies what it was built from. It is the same on every machine, unlike the file, which
	// another version of Go builds differently: otherwise a deployment from another machine would replace
	// every container.
	Hash string
}

// architectures are Go's names for what engines call the processors of their machines.
var architectures = map[string]string{
	"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64", "armv7l": "arm",
	"ppc64le": "ppc64le",
	"s390x":   "s390x", "riscv64": "riscv64",
}

// Build builds the agent in the project's folder, unless it is there already. machine is what the engine
// calls the processor of its machine.
func Build(ctx context.Context, project, machine string) (Binary, error) {
	architecture, known := architectures[machine]
	if !known {
		return Binary{}, fmt.Errorf("build the agent: the engine's machine is a %q, for which nothing is known "+
			"to build", machine)
	}
	hash, err := sources(ctx, project)
	if err != nil {
		return Binary{}, fmt.Errorf("build the agent: %w", err)
	}
	file := filepath.Join(project, folder, "linux-"+architecture)
	stamp := file + ".sources"
	binary := Binary{Source: source("linux-" + architecture), Hash: hash}
	if built, err := os.ReadFile(stamp); err == nil && string(built) == hash {
		if _, err := os.Stat(file); err == nil {
			return binary, nil
		}
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return Binary{}, fmt.Errorf("build the agent: %w", err)
	}
	temporary := fmt.Sprintf("%s.%d", file, os.Getpid())
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o",
		temporary, Package)
	build.Dir = project
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+architecture)
	if output, err := build.CombinedOutput(); err != nil {
		return Binary{}, fmt.Errorf("build the agent: %w\n%s", err, output)
	}
	return binary, errors.Join(os.Rename(temporary, file), os.WriteFile(stamp, []byte(hash), 0o644))
}

// sources identifies the files of this module that the agent is built from.
func sources(ctx context.Context, project string) (string, error) {
	list := exec.CommandContext(ctx, "go", "list", "-deps",
		"-json=Dir,ImportPath,Module,GoFiles,EmbedFiles", Package)
	list.Dir = project
	list.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	var complaint strings.Builder
	list.Stderr = &complaint
	output, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, complaint.String())
	}
	module, _, _ := strings.Cut(Package, "/")
	sum := sha256.New()
	for decoder := json.NewDecoder(strings.NewReader(string(output))); decoder.More(); {
		var p struct {
			Dir, ImportPath     string
			Module              *struct{ Path, Version string }
			GoFiles, EmbedFiles []string
		}
		if err := decoder.Decode(&p); err != nil {
			return "", err
		}
		switch {
		case p.Module == nil:
		case p.Module.Path != module:
			fmt.Fprintln(sum, p.ImportPath, p.Module.Version)
		default:
			if err := add(sum, p.ImportPath, p.Dir, slices.Concat(p.GoFiles, p.EmbedFiles)); err != nil {
				return "", err
			}
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func add(sum io.Writer, path, dir string, files []string) error {
	slices.Sort(files)
	for _, name := range files {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		fmt.Fprintln(sum, path, name, len(text))
		if _, err := sum.Write(text); err != nil {
			return err
		}
	}
	return nil
}

// source is the path of an agent for the Docker provider.
func source(name string) string { return filepath.Join(folder, name) }
