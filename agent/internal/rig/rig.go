//go:build cluster

// Package rig gives the agent's tests clusters of their own, of containers that the agent runs, without
// Pulumi.
package rig

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"warren/agent/peer"
	"warren/agent/plan"
	"warren/agent/rabbit"
	"warren/internal/wait"
	"warren/topology"
	"warren/topology/render"
	"warren/topology/stackconfig"
)

// AgentPath is where the agent is in a container.
const AgentPath = topology.UploadPath + "/agent"

// Rig is a cluster.
type Rig struct {
	t       *testing.T
	prefix  string
	image   string
	binary  string
	Cluster *topology.Cluster
	Secrets topology.Secrets
	// Rabbit and Peers talk to the cluster from the test.
	Rabbit *rabbit.Client
	Peers  *peer.Client
}

// Build builds the agent for the containers, and returns the file.
func Build(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "agent")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file,
		"warren/agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return file
}

// New returns a cluster of so many nodes that are not there yet.
func New(t *testing.T, image string, nodes int) *Rig {
	t.Helper()
	token := make([]byte, 3)
	_, _ = rand.Read(token) // never fails
	prefix := "agent-" + hex.EncodeToString(token)
	cluster, err := stackconfig.Parse(prefix,
		map[string]string{"image": image, "nodes": strconv.Itoa(nodes), "memoryLimit": "512MiB"})
	require.NoError(t, err)
	r := &Rig{
		t: t, prefix: prefix, image: image, binary: Build(t), Cluster: cluster,
		Secrets: topology.Secrets{AdminPassword: "admin", StatsPassword: "stats",
			ErlangCookie: "RIG" + hex.EncodeToString(token)},
	}
	r.Rabbit = rabbit.New(r.Secrets.ErlangCookie, r, r.dial)
	r.Peers = peer.NewClient(r.Secrets.ErlangCookie, r.dial)
	r.docker("network", "create", prefix)
	t.Cleanup(r.remove)
	return r
}

// Names are the nodes' names.
func (r *Rig) Names() []plan.NodeName {
	var names []plan.NodeName
	for _, n := range r.Cluster.Nodes {
		names = append(names, plan.NodeName(n.NodeName()))
	}
	return names
}

// Desired is what is desired in a scope.
func (r *Rig) Desired(scope plan.Scope, self string) plan.Desired {
	d := plan.Desired{Scope: scope, Series: r.Cluster.Series}
	if self != "" {
		d.Self = plan.NodeName(topology.NodeName(self))
	}
	for i, n := range r.Cluster.Nodes {
		d.Nodes = append(d.Nodes,
			plan.DesiredNode{Name: plan.NodeName(n.NodeName()), Type: n.Type, Seed: i < topology.SeedCount})
	}
	return d
}

// StartNodes starts the containers of all nodes.
func (r *Rig) StartNodes() {
	r.t.Helper()
	for _, n := range r.Cluster.Nodes {
		r.StartNode(n.Name)
	}
}

// StartNode creates and starts the container of a node.
func (r *Rig) StartNode(name string) {
	r.t.Helper()
	definitions, err := render.Definitions(r.Cluster, r.Secrets)
	require.NoError(r.t, err)
	var node topology.Node
	for _, n := range r.Cluster.Nodes {
		if n.Name == name {
			node = n
		}
	}
	args := []string{"--volume", r.Container(name) + "-data:" + topology.DataPath, "--stop-timeout", "180",
		"--memory", "512m", "--restart", "unless-stopped", "--env",
		"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=+sbwt none"}
	for _, port := range []int{topology.AMQPPort, topology.ManagementPort, topology.PrometheusPort,
		topology.DistributionPort, topology.AgentPort} {
		args = append(args, "--publish", fmt.Sprintf("127.0.0.1::%d", port))
	}
	r.start(name, r.Desired(plan.ScopeStart, name), args, map[string]string{
		topology.RabbitMQConfPath:        render.RabbitMQConf(r.Cluster, node),
		topology.AdvancedConfigPath:      render.AdvancedConfig(r.Cluster, node),
		topology.EnabledPluginsPath:      render.EnabledPlugins(r.Cluster),
		topology.UploadedDefinitionsPath: definitions,
	})
}

// StartHelper starts a membership or the formation.
func (r *Rig) StartHelper(host string, desired plan.Desired) {
	r.t.Helper()
	r.start(host, desired, []string{"--publish", fmt.Sprintf("127.0.0.1::%d", topology.AgentPortOf(host)),
		"--restart", "unless-stopped"}, nil)
}

func (r *Rig) start(host string, desired plan.Desired, args []string, files map[string]string) {
	r.t.Helper()
	text, err := json.Marshal(desired)
	require.NoError(r.t, err)
	create := append([]string{"create", "--name", r.Container(host), "--hostname", host, "--network", r.prefix,
		"--network-alias", host, "--user", "root", "--entrypoint", AgentPath, "--env",
		topology.DesiredVariable + "=" + string(text)}, args...)
	r.docker(append(create, r.image, "run")...)
	binary, err := os.ReadFile(r.binary)
	require.NoError(r.t, err)
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	write := func(path string, mode int64, content []byte) {
		require.NoError(r.t,
			w.WriteHeader(&tar.Header{Name: path, Mode: mode, Size: int64(len(content)), ModTime: time.Now()}))
		_, err := w.Write(content)
		require.NoError(r.t, err)
	}
	write(AgentPath, 0o555, binary)
	write(topology.CookiePath, 0o400, []byte(r.Secrets.ErlangCookie))
	for path, content := range files {
		write(path, 0o444, []byte(content))
	}
	require.NoError(r.t, w.Close())
	copying := exec.CommandContext(r.t.Context(), "docker", "cp", "-", r.Container(host)+":/")
	copying.Stdin = &archive
	out, err := copying.CombinedOutput()
	require.NoError(r.t, err, "%s", out)
	r.docker("start", r.Container(host))
}

// Container is the name of a container.
func (r *Rig) Container(host string) string { return r.prefix + "-" + host }

// Docker runs docker and returns its output.
func (r *Rig) Docker(args ...string) string { r.t.Helper(); return r.docker(args...) }

func (r *Rig) docker(args ...string) string {
	r.t.Helper()
	out, err := exec.CommandContext(r.t.Context(), "docker", args...).CombinedOutput()
	require.NoError(r.t, err, "docker %s: %s", strings.Join(args, " "), out)
	return strings.TrimSpace(string(out))
}

// Run runs a tool in a node's container.
func (r *Rig) Run(ctx context.Context, command rabbit.Command) (string, error) {
	args := []string{"exec", "-i", "--user", "rabbitmq", "--env", "HOME=" + topology.DataPath,
		r.Container(rabbit.Host(command.Node)),
		command.Tool, "--quiet", "--node", command.Node}
	cmd := exec.CommandContext(ctx, "docker", append(args, command.Args...)...)
	cmd.Stdin = strings.NewReader(command.Input)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		err = &rabbit.ToolError{Command: command, Output: string(out) + complaint.String(), Err: err}
	}
	return string(out), err
}

// dial connects to a port of a container from outside.
func (r *Rig) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, "docker", "port", r.Container(host), port+"/tcp").Output()
	if err != nil {
		return nil, fmt.Errorf("%s has no port %s: %w", host, port, err)
	}
	published, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	conn, err := new(net.Dialer).DialContext(ctx, network, published)
	if err != nil {
		return nil, err
	}
	// The engine's proxy accepts also for a port on which nobody listens, and then closes.
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := conn.Read(make([]byte, 1)); err != nil && !os.IsTimeout(err) {
		conn.Close()
		return nil, err
	}
	return conn, conn.SetReadDeadline(time.Time{})
}

// Await waits until check finds nothing missing.
func (r *Rig) Await(what string, check func(ctx context.Context) error) {
	r.t.Helper()
	start := time.Now()
	require.NoError(r.t, wait.Within(r.t.Context(), 5*time.Minute, 250*time.Millisecond, what, check))
	r.t.Logf("%s: after %.1f s", what, time.Since(start).Seconds())
}

// AwaitPhase waits until an agent is in a phase.
func (r *Rig) AwaitPhase(host string, phase peer.Phase) peer.Status {
	r.t.Helper()
	var status peer.Status
	r.Await(fmt.Sprintf("the agent on %s to be %s", host, phase), func(ctx context.Context) (err error) {
		if status, err = r.Peers.Status(ctx, host); err == nil && status.Phase != phase {
			err = fmt.Errorf("it is %s: %s", status.Phase, status.Reason)
		}
		return err
	})
	return status
}

// remove removes everything, and shows logs if the test failed.
func (r *Rig) remove() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	run := func(args ...string) string {
		out, _ := exec.CommandContext(ctx, "docker", args...).CombinedOutput()
		return string(out)
	}
	for _, name := range strings.Fields(run("ps", "--all", "--filter", "name=^"+r.prefix+"-", "--format",
		"{{.Names}}")) {
		if r.t.Failed() {
			r.t.Logf("the end of the log of %s:\n%s", name, run("logs", "--tail", "60", name))
		}
		run("rm", "--force", "--volumes", name)
		run("volume", "rm", "--force", name+topology.VolumeSuffix)
	}
	run("network", "rm", r.prefix)
}
