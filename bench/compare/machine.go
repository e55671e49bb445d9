package compare

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine is what the numbers were measured on.
type Machine struct {
	CPU   string `json:"cpu"`
	Cores int    `json:"cores"`
	// Memory is in bytes.
	Memory int64  `json:"memory"`
	OS     string `json:"os"`
	Go     string `json:"go"`
}

// String is the machine in a line.
func (m Machine) String() string {
	return fmt.Sprintf("%d cores (%s), %.0f GiB of memory, %s, %s", m.Cores, m.CPU,
		float64(m.Memory)/(1<<30), m.OS, m.Go)
}

// describeMachine reads what Linux tells; what it does not tell stays empty.
func describeMachine() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version(),
		CPU: field("/proc/cpuinfo", "model name", ":"),
		OS:  strings.Trim(field("/etc/os-release", "PRETTY_NAME", "="), `"`)}
	var kilobytes int64
	if _, err := fmt.Sscanf(field("/proc/meminfo", "MemTotal", ":"), "%d kB", &kilobytes); err == nil {
		m.Memory = kilobytes << 10
	}
	return m
}

// field finds the first line of a file that sets a key, and returns the value.
func field(path, key, separator string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		name, value, found := strings.Cut(lines.Text(), separator)
		if found && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// loadAverage is how many processes wanted to run over the last minute; 0 where the system does not tell.
func loadAverage() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	var load float64
	if _, err := fmt.Sscan(string(text), &load); err != nil {
		return 0
	}
	return load
}
