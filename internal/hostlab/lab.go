// Package hostlab makes several hosts out of one machine: Docker engines in network namespaces, linked by a
// bridge. Each has an address, a storage and an SSH server of its own, so that a stack on several hosts, and
// the loss of a host, can be tried without further machines.
//
// A lab needs root, because it makes network namespaces and starts engines. Everything it makes carries its
// name, and Down finds and removes all of it, also what a killed Up has left.
package hostlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// Where labs are on the machine. Sockets are in a short path, because a path to one may have 107 bytes.
const (
	stateRoot = "/var/lib/warren-hosts"
	runRoot   = "/run/warren-hosts"
)

const (
	// maxHosts keeps the number of a host to one digit, for the names of network interfaces are short.
	maxHosts = 9
	// bridgeNumber is the last byte of the machine's own address in a lab's network, firstNumber that of the
	// first host.
	bridgeNumber = 254
	firstNumber  = 11
)

// namePattern leaves room for the rest of a network interface's name, which has 15 characters at most.
var namePattern = regexp.MustCompile(`^[a-z][a-z0-9]{0,7}$`)

// Lab is a set of hosts on this machine.
type Lab struct {
	// Name tells labs apart.
	Name string `json:"name"`
	// Network is the network of the hosts, a /24.
	Network netip.Prefix `json:"network"`
	Hosts   []Host       `json:"hosts"`
	// Key is the file with the key that the hosts' SSH servers accept. It is empty where there is no sshd.
	Key string `json:"key,omitempty"`
}

// Host is one host of a lab.
type Host struct {
	// Name is such as "h1".
	Name string `json:"name"`
	// Address is the host's address on the lab's network.
	Address netip.Addr `json:"address"`
	// Engine is where its Docker engine answers: unix:///run/...
	Engine string `json:"engine"`
	// SSH is the same by SSH: ssh://root@10.77.0.11. It is empty where there is no sshd.
	SSH string `json:"ssh,omitempty"`

	lab string
}

// newLab describes a lab. It makes nothing.
func newLab(name string, network netip.Prefix, count int) (*Lab, error) {
	if !namePattern.MatchString(name) {
		return nil, fmt.Errorf("a lab can't be called %q: use up to 8 lower-case letters and digits, a "+
			"letter first", name)
	}
	if count < 1 || count > maxHosts {
		return nil, fmt.Errorf("a lab can't have %d hosts: use 1 to %d", count, maxHosts)
	}
	if !network.IsValid() || !network.Addr().Is4() || network.Bits() != 24 || network != network.Masked() {
		return nil, fmt.Errorf("%s is no network for a lab: write one of 256 addresses, such as "+
			"10.77.0.0/24", network)
	}
	l := &Lab{Name: name, Network: network}
	for i := range count {
		l.Hosts = append(l.Hosts, Host{
			Name:    "h" + strconv.Itoa(i+1),
			Address: address(network, firstNumber+i),
			lab:     name,
		})
	}
	for i := range l.Hosts {
		l.Hosts[i].Engine = "unix://" + l.Hosts[i].socket()
	}
	return l, nil
}

// address is the address with a number in a network of 256.
func address(network netip.Prefix, number int) netip.Addr {
	bytes := network.Addr().As4()
	bytes[3] = byte(number)
	return netip.AddrFrom4(bytes)
}

func (l *Lab) state() string  { return filepath.Join(stateRoot, l.Name) }
func (l *Lab) file() string   { return filepath.Join(l.state(), "lab.json") }
func (l *Lab) run() string    { return filepath.Join(runRoot, l.Name) }
func (l *Lab) bridge() string { return "wh-" + l.Name }

// comment marks the lab's packet filter rules.
func (l *Lab) comment() string { return "warren-hosts:" + l.Name }

func (h Host) state() string     { return filepath.Join(stateRoot, h.lab, h.Name) }
func (h Host) data() string      { return filepath.Join(h.state(), "docker") }
func (h Host) run() string       { return filepath.Join(runRoot, h.lab, h.Name) }
func (h Host) socket() string    { return filepath.Join(h.run(), "docker.sock") }
func (h Host) namespace() string { return "wh-" + h.lab + "-" + h.Name }

// link is the machine's end of the host's network cable.
func (h Host) link() string { return h.namespace() }

// Host returns the host of that name.
func (l *Lab) Host(name string) (Host, error) {
	i := slices.IndexFunc(l.Hosts, func(h Host) bool { return h.Name == name })
	if i < 0 {
		return Host{}, fmt.Errorf("lab %s has no host %s", l.Name, name)
	}
	return l.Hosts[i], nil
}

// Open returns the lab of that name. The error is fs.ErrNotExist if there is none.
func Open(name string) (*Lab, error) {
	l := &Lab{Name: name}
	text, err := os.ReadFile(l.file())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no lab %s: %w", name, err)
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("%s: %w", l.file(), err)
	}
	for i := range l.Hosts {
		l.Hosts[i].lab = name
	}
	return l, nil
}

// List returns the labs on this machine.
func List() ([]*Lab, error) {
	entries, err := os.ReadDir(stateRoot)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var labs []*Lab
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		l, openErr := Open(e.Name())
		if errors.Is(openErr, fs.ErrNotExist) {
			continue // it goes right now, or comes
		}
		if openErr != nil {
			err = errors.Join(err, openErr)
			continue
		}
		labs = append(labs, l)
	}
	return labs, err
}

// save writes the lab's description, which Open reads.
func (l *Lab) save() error {
	text, err := json.MarshalIndent(l, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(l.file(), append(text, '\n'), 0o600)
}
