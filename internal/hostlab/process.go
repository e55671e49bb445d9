package hostlab

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// process is a process as /proc shows it.
type process struct {
	pid, parent int
	// args is its command line.
	args []string
}

// programs are those that a host consists of. Others may name a host's folder on their command line, such as
// a Docker client, and are not the host's.
var programs = []string{
	"nsenter", "dockerd", "containerd", "containerd-shim", "containerd-shim-runc-v2", "docker-proxy", "runc",
	"fuse-overlayfs", "sshd",
}

// processes returns the IDs of the host's processes: its programs, and all that these have started.
func (h Host) processes() ([]int, error) {
	all, err := allProcesses()
	if err != nil {
		return nil, err
	}
	return h.among(all), nil
}

// engines returns the IDs of the host's Docker engines: one, or none.
func (h Host) engines() ([]int, error) {
	all, err := allProcesses()
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, p := range all {
		if len(p.args) > 0 && filepath.Base(p.args[0]) == "dockerd" && h.owns(p) {
			pids = append(pids, p.pid)
		}
	}
	return pids, nil
}

// among picks the host's processes.
func (h Host) among(all []process) []int {
	var ours []int
	for _, p := range all {
		if h.owns(p) {
			ours = append(ours, p.pid)
		}
	}
	for i := 0; i < len(ours); i++ {
		for _, p := range all {
			if p.parent == ours[i] && !slices.Contains(ours, p.pid) {
				ours = append(ours, p.pid)
			}
		}
	}
	return ours
}

// owns tells whether a process is one of the host's programs, by its command line.
func (h Host) owns(p process) bool {
	line := strings.Join(p.args, " ") + " "
	// sshd writes "sshd: /usr/sbin/sshd -D ..." over its command line.
	name, _, _ := strings.Cut(line, " ")
	if !slices.Contains(programs, filepath.Base(strings.TrimSuffix(name, ":"))) {
		return false
	}
	for _, mark := range []string{h.state() + "/", h.run() + "/", " " + h.namespace() + " ", h.netFile() + " "} {
		if strings.Contains(line, mark) {
			return true
		}
	}
	return false
}

func allProcesses() ([]process, error) {
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var all []process
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			continue
		}
		stat, statErr := os.ReadFile(filepath.Join(folder, "stat"))
		line, lineErr := os.ReadFile(filepath.Join(folder, "cmdline"))
		state, parent, ok := parseStat(string(stat))
		if statErr != nil || lineErr != nil || !ok || state == "Z" {
			continue // it has ended
		}
		var args []string
		for _, arg := range bytes.Split(bytes.TrimRight(line, "\x00"), []byte{0}) {
			args = append(args, string(arg))
		}
		all = append(all, process{pid, parent, args})
	}
	return all, nil
}

// parseStat returns the state and the parent of a process. The name before them may contain anything, so
// that they are looked for behind its end.
func parseStat(stat string) (state string, parent int, ok bool) {
	_, rest, found := strings.Cut(stat[max(0, strings.LastIndexByte(stat, ')')):], ") ")
	fields := strings.Fields(rest)
	if !found || len(fields) < 2 {
		return "", 0, false
	}
	parent, err := strconv.Atoi(fields[1])
	return fields[0], parent, err == nil
}
