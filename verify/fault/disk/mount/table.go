//go:build linux

package mount

import (
	"fmt"
	"os"
	"strings"
)

// Entry is a mounted disk in the table of mounts.
type Entry struct {
	// Source is what the disk was mounted as, Target where.
	Source, Target string
}

// List returns the lying disks that are mounted in a namespace.
func List(namespace string) ([]Entry, error) {
	var list []Entry
	err := inside(namespace, func() error {
		mounts, err := os.ReadFile("/proc/thread-self/mountinfo")
		list = entries(string(mounts))
		return err
	})
	return list, err
}

// entries picks the lying disks out of /proc/self/mountinfo (proc_pid_mountinfo(5)).
func entries(mountinfo string) []Entry {
	var list []Entry
	for line := range strings.Lines(mountinfo) {
		before, after, found := strings.Cut(strings.TrimSpace(line), " - ")
		where, what := strings.Fields(before), strings.Fields(after)
		if found && len(where) > 4 && len(what) > 1 && what[0] == Type {
			list = append(list, Entry{Source: unescape(what[1]), Target: unescape(where[4])})
		}
	}
	return list
}

func mountedAt(mountinfo, target string) bool {
	for _, entry := range entries(mountinfo) {
		if entry.Target == target {
			return true
		}
	}
	return false
}

// unescape undoes what the kernel does to blanks in names.
func unescape(text string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(text)
}

// parent is the process above another one.
func parent(pid int) (int, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(status)) {
		var above int
		if n, _ := fmt.Sscanf(line, "PPid:\t%d", &above); n == 1 {
			return above, nil
		}
	}
	return 0, fmt.Errorf("/proc/%d/status names no parent", pid)
}
