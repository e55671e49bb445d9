package hostlab

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var network = netip.MustParsePrefix("10.77.0.0/24")

func TestHostsOfALab(t *testing.T) {
	l, err := newLab("lab", network, 2)
	require.NoError(t, err)
	h, err := l.Host("h2")
	require.NoError(t, err)
	assert.Equal(t, "10.77.0.12", h.Address.String())
	assert.Equal(t, "unix:///run/warren-hosts/lab/h2/docker.sock", h.Engine)
	_, err = l.Host("h3")
	assert.EqualError(t, err, "lab lab has no host h3")
}

func TestWhatIsNoLab(t *testing.T) {
	for _, c := range []struct {
		name    string
		network string
		count   int
		wrong   string
	}{
		{"a-lab", "10.77.0.0/24", 3, `can't be called "a-lab"`},
		{"ninechars", "10.77.0.0/24", 3, "can't be called"},
		{"lab", "10.77.0.0/24", 0, "can't have 0 hosts"},
		{"lab", "10.77.0.0/24", 10, "can't have 10 hosts"},
		{"lab", "10.77.0.0/16", 3, "is no network for a lab"},
		{"lab", "10.77.0.1/24", 3, "is no network for a lab"},
		{"lab", "fd00::/24", 3, "is no network for a lab"},
	} {
		_, err := newLab(c.name, netip.MustParsePrefix(c.network), c.count)
		assert.ErrorContains(t, err, c.wrong)
	}
}

func TestNamesOfInterfacesFit(t *testing.T) {
	l, err := newLab(strings.Repeat("a", 8), network, maxHosts)
	require.NoError(t, err)
	const longest = 15 // IFNAMSIZ, with its end
	assert.LessOrEqual(t, len(l.bridge()), longest)
	for _, h := range l.Hosts {
		assert.LessOrEqual(t, len(h.link()), longest)
		assert.LessOrEqual(t, len(h.socket()), 107)
	}
}

func TestProcessesOfAHost(t *testing.T) {
	h := Host{Name: "h1", lab: "lab"}
	run := func(pid, parent int, line string) process { return process{pid, parent, strings.Split(line, "|")} }
	all := []process{
		run(1, 0, "init"),
		run(10, 1, "dockerd|--config-file|/var/lib/warren-hosts/lab/h1/daemon.json"),
		run(11, 10, "containerd|--config|/run/warren-hosts/lab/h1/exec/containerd/containerd.toml"),
		run(12, 1, "/usr/bin/containerd-shim-runc-v2|-namespace|wh-lab-h1|-id|0a"),
		run(13, 12, "/warren/agent|run"),
		run(14, 13, "beam.smp"),
		run(15, 1, "sshd: /usr/sbin/sshd -D -e -f /var/lib/warren-hosts/lab/h1/sshd_config [listener]"),
		run(16, 1, "nsenter|--net=/run/netns/wh-lab-h1|dockerd"),
		run(20, 1, "dockerd|--config-file|/var/lib/warren-hosts/lab/h10/daemon.json"),
		run(21, 1, "dockerd|--config-file|/var/lib/warren-hosts/lab2/h1/daemon.json"),
		run(22, 1, "docker|-H|unix:///run/warren-hosts/lab/h1/docker.sock|ps"),
		run(23, 1, "/usr/sbin/dockerd"),
		run(24, 1, "sshd: root@pts/0"),
		run(25, 1, "/usr/bin/containerd-shim-runc-v2|-namespace|wh-lab-h10|-id|0b"),
	}
	assert.Equal(t, []int{10, 11, 12, 15, 16, 13, 14}, h.among(all))
}

func TestParseStat(t *testing.T) {
	state, parent, ok := parseStat("42 (a) b (c)) S 7 42 42 0")
	assert.Equal(t, "S", state)
	assert.Equal(t, 7, parent)
	assert.True(t, ok)
	_, _, ok = parseStat("")
	assert.False(t, ok)
}

func TestMountsBelow(t *testing.T) {
	table := `22 1 254:0 / / rw - ext4 /dev/vda rw
50 22 0:40 / /var/lib/warren-hosts/lab/h1/docker/a rw - fuse.fuse-overlayfs x rw
51 22 0:41 / /var/lib/warren-hosts/lab/h10/docker/a rw - fuse.fuse-overlayfs x rw
52 22 0:4 net:[1] /run/warren-hosts/lab/h1/a\040b rw - nsfs nsfs rw
`
	assert.Equal(t, []string{"/var/lib/warren-hosts/lab/h1/docker/a", "/run/warren-hosts/lab/h1/a b"},
		mountsBelow(table, "/var/lib/warren-hosts/lab/h1", "/run/warren-hosts/lab/h1"))
}

func TestRulesOfALab(t *testing.T) {
	rule := strings.Fields("-A FORWARD -i wh-lab -m comment --comment warren-hosts:lab -j ACCEPT")
	assert.True(t, hasComment(rule, "warren-hosts:lab"))
	assert.False(t, hasComment(rule, "warren-hosts:lab2"))
}

func TestConfig(t *testing.T) {
	l, err := newLab("lab", network, 2)
	require.NoError(t, err)
	assert.Equal(t, `config:
  warren:hosts:
    - {name: h1, zone: a, address: 10.77.0.11, engine: "unix:///run/warren-hosts/lab/h1/docker.sock"}
    - {name: h2, zone: b, address: 10.77.0.12, engine: "unix:///run/warren-hosts/lab/h2/docker.sock"}
`, l.Config())
}
