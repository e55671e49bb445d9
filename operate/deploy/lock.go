package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// lock is what Pulumi's backend for files writes into a lock.
type lock struct {
	PID       int    `json:"pid"`
	Hostname  string `json:"hostname"`
	Timestamp string `json:"timestamp"`
}

// unlock removes the locks of runs that died, which Pulumi never does by itself. Any other lock is an error.
func (s *Stack) unlock(ctx context.Context) error {
	folder, isFile := backendFolder(s.backend)
	if !isFile {
		return nil // such backends release locks by themselves, or know who holds them
	}
	project, err := workspace.LoadProject(filepath.Join(s.root, "Pulumi.yaml"))
	if err != nil {
		return err
	}
	folder = filepath.Join(folder, ".pulumi", "locks", "organization", project.Name.String(), s.name)
	host, err := os.Hostname()
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".json" {
			continue
		}
		if err := s.removeDead(ctx, filepath.Join(folder, entry.Name()), host); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) removeDead(ctx context.Context, file, host string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // released since
	}
	if err != nil {
		return err
	}
	var held lock
	if err := json.Unmarshal(text, &held); err != nil || held.PID == 0 {
		return fmt.Errorf("stack %s is being worked on, by whom is not known: %s is no lock as Pulumi writes it; "+
			"if nobody works on the stack, run `pulumi cancel --stack %[1]s`", s.name, file)
	}
	if held.Hostname != host || isPulumi(ctx, held.PID) {
		return fmt.Errorf("stack %s is being worked on by pid %d on %s, since %s: wait for it, then run this again",
			s.name, held.PID, held.Hostname, held.Timestamp)
	}
	fmt.Fprintf(s.err, "The last run on stack %s (pid %d) died: removing its lock.\n", s.name, held.PID)
	for _, name := range []string{file, file + ".attrs"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// backendFolder is the folder of a backend that keeps state in files.
func backendFolder(backend string) (folder string, ok bool) {
	address, err := url.Parse(backend)
	if err != nil || address.Scheme != "file" {
		return "", false
	}
	folder = filepath.FromSlash(address.Host + address.Path) // file://~ and file://./state have a host
	if rest, ok := strings.CutPrefix(folder, "~"); ok {
		home, err := os.UserHomeDir()
		return home + rest, err == nil
	}
	return folder, true
}

// isPulumi tells whether a process is there and is Pulumi, as its number may have gone to another since.
// In doubt, it is.
func isPulumi(ctx context.Context, pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return false
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil { // a system without /proc
		name, err = exec.CommandContext(ctx, "ps", "-p", strconv.Itoa(pid), "-o", "comm=").Output()
	}
	return err != nil || strings.Contains(string(name), "pulumi")
}
