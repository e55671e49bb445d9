//go:build cluster

package render_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"warren/internal/wait"
	"warren/topology"
	"warren/topology/certificate"
	"warren/topology/erlang"
	"warren/topology/internal/sample"
	"warren/topology/render"
	"warren/topology/stackconfig"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Real programs judge the golden files: HAProxy checks every haproxy.cfg, and a node of its series boots with
// every rabbitmq.conf, advanced.config and enabled_plugins.

// imageOfSeries are the images there are. None can be built for 3.13, so that its files are checked by nobody
// but the tests of the series before and after it.
var imageOfSeries = map[topology.Series]string{
	{Major: 3, Minor: 10}: "warren/rabbitmq:3.10",
	{Major: 4, Minor: 0}:  "warren/rabbitmq:4.0",
	{Major: 4, Minor: 3}:  "warren/rabbitmq:4.3",
}

const (
	bootDeadline = 6 * time.Minute
	// Part of the banner, which is printed whatever the log level.
	startupMessage = " completed with "
)

func TestHAProxyAcceptsTheGoldenFiles(t *testing.T) {
	docker := newDocker(t)
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			conf, err := os.ReadFile(filepath.Join("testdata", v.name, "haproxy.cfg"))
			require.NoError(t, err)
			assert.NoError(t, docker.checkHAProxyConf(t, conf))
		})
	}
}

func TestHAProxyRejectsABrokenFile(t *testing.T) {
	docker := newDocker(t)
	conf, err := os.ReadFile(filepath.Join("testdata", "series-4.3", "haproxy.cfg"))
	require.NoError(t, err)
	broken := bytes.ReplaceAll(conf, []byte("balance leastconn"), []byte("balance fairly"))
	assert.ErrorContains(t, docker.checkHAProxyConf(t, broken), "balance only supports")
	warned := bytes.ReplaceAll(conf, []byte("    timeout client 3h\n"), nil)
	assert.ErrorContains(t, docker.checkHAProxyConf(t, warned), "missing timeouts", "warnings count as well")
}

func TestNodesBootWithTheGoldenFiles(t *testing.T) {
	docker := newDocker(t)
	for _, v := range variants {
		cluster, err := stackconfig.New("test", v.config)
		require.NoError(t, err)
		image, exists := imageOfSeries[cluster.Series]
		if !exists {
			continue
		}
		t.Run(v.name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("testdata", v.name)
			node, err := docker.bootNode(t, image, cluster, readAll(t, dir))
			require.NoError(t, err)

			assert.Equal(t, wantInForce(cluster), node.eval(t, inForce(cluster)), "settings in force")
			check := render.ManagementCheck(cluster)
			own, others := sample.Secrets.LoadBalancerPassword(), sample.Secrets.AgentPassword()
			assert.Equal(t, "200", node.get(t, check, topology.LoadBalancerUsername, own), "HAProxy may check")
			assert.Equal(t, "401", node.get(t, "/api/users", topology.LoadBalancerUsername, own), "and nothing else")
			assert.Equal(t, "401", node.get(t, "/api/whoami", topology.LoadBalancerUsername, others))
			assert.Equal(t, "200", node.get(t, "/api/users", topology.AgentUsername, others), "the agent may")
		})
	}
}

func TestNodesRefuseABrokenFile(t *testing.T) {
	docker := newDocker(t)
	cluster, err := stackconfig.New("test", stackconfig.Config{RabbitMQConf: "no_such_key = 1"})
	require.NoError(t, err)
	files := readAll(t, filepath.Join("testdata", "series-4.3"))
	files["rabbitmq.conf"] = []byte(render.RabbitMQConf(cluster, cluster.Nodes[0]))
	_, err = docker.bootNode(t, imageOfSeries[cluster.Series], cluster, files)
	assert.ErrorContains(t, err, "no_such_key")
}

// Every series reads what is rendered for the limits as it was meant, and takes less memory when idle than
// the lowest watermark that is accepted.
func TestNodesReadTheLimitsAsTheyWereMeant(t *testing.T) {
	docker := newDocker(t)
	for series, image := range imageOfSeries {
		t.Run(series.String(), func(t *testing.T) {
			t.Parallel()
			config := stackconfig.Config{Image: image, MemoryHighWatermark: 1, DiskFreeLimit: "1.5GB"}
			cluster, err := stackconfig.New("test", config)
			require.NoError(t, err)
			node, err := docker.bootNode(t, image, cluster, filesOf(t, cluster))
			require.NoError(t, err)
			const limits = `{vm_memory_monitor:get_vm_memory_high_watermark(), ` +
				`vm_memory_monitor:get_memory_limit(), rabbit_disk_monitor:get_disk_free_limit()}.`
			assert.Equal(t, "{1.0,1073741824,1500000000}", node.eval(t, limits))
			idle, err := strconv.Atoi(node.eval(t, `element(1, vm_memory_monitor:get_memory_use(bytes)).`))
			require.NoError(t, err)
			t.Logf("an idle node of RabbitMQ %s takes %d MiB", series, idle>>20)
			assert.Less(t, idle, stackconfig.MinWatermarkBytes)
		})
	}
}

// Were the same limits rendered as they are written, a node would not start, or run with another limit.
func TestNodesMisreadTheLimitsAsTheyAreWritten(t *testing.T) {
	docker := newDocker(t)
	for series, image := range imageOfSeries {
		t.Run(series.String(), func(t *testing.T) {
			t.Parallel()
			cluster, err := stackconfig.New("test", stackconfig.Config{Image: image, MemoryHighWatermark: 1})
			require.NoError(t, err)
			for _, written := range []string{"1", "1e-05"} {
				files := filesOf(t, cluster)
				files["rabbitmq.conf"] = bytes.ReplaceAll(files["rabbitmq.conf"],
					[]byte(".relative = 1.0"), []byte(".relative = "+written))
				_, err = docker.bootNode(t, image, cluster, files)
				assert.ErrorContains(t, err, "vm_memory_high_watermark", written)
			}
		})
	}
}

// inForce asks a node for what the files and the command line set, for its users, and whether the
// administrator's password is right; all at once, because each command starts a virtual machine.
func inForce(c *topology.Cluster) string {
	return fmt.Sprintf(`{net_kernel:get_net_ticktime(), `+
		`application:get_env(kernel, inet_dist_connect_options), `+
		`application:get_env(rabbit, heartbeat), application:get_env(rabbit, connection_max), `+
		`vm_memory_monitor:get_vm_memory_high_watermark(), `+
		`application:get_env(rabbit, queue_leader_locator), `+
		`lists:member(rabbitmq_prometheus, rabbit_plugins:active()), `+
		`application:get_env(rabbit, server_properties), `+
		`lists:sort([proplists:get_value(user, U) || U <- rabbit_auth_backend_internal:list_users()]), `+
		`element(1, rabbit_access_control:check_user_pass_login(<<"%s">>, base64:decode("%s"))), `+
		`[element(1, rabbit_access_control:check_user_pass_login(U, P)) || `+
		`{U, P} <- [{<<"%s">>, <<"%s">>}, {<<"%s">>, <<"%s">>}]], `+
		`whereis(prompt_election) =/= undefined, whereis(node_pulse) =/= undefined, `+
		`maps:get(wal_max_size_bytes, ra_system:fetch(quorum_queues))}.`,
		c.Username, base64.StdEncoding.EncodeToString([]byte(sample.Secrets.AdminPassword)),
		topology.AgentUsername, sample.Secrets.AgentPassword(),
		topology.LoadBalancerUsername, sample.Secrets.LoadBalancerPassword())
}

// wantInForce is what a node should answer to inForce.
func wantInForce(c *topology.Cluster) string {
	ticktime, options := 60, "undefined"
	if d := render.DetectionOf(c); d.UserTimeout > 0 {
		ms := d.UserTimeout.Milliseconds()
		ticktime = int(d.NetTickTime.Seconds())
		options = fmt.Sprintf("{ok,[{raw,6,18,<<%d,%d,0,0>>}]}", ms&0xff, ms>>8)
	}
	return fmt.Sprintf(`{%d,%s,{ok,%d},{ok,%d},%v,{ok,<<"balanced">>},true,{ok,[{node,<<"%s">>}]},`+
		`[<<"%s">>,<<"%s">>,<<"%s">>],ok,[ok,ok],%t,true,%d}`,
		ticktime, options, c.HeartbeatSeconds, c.ConnectionMax, c.MemoryHighWatermark, c.Nodes[0].NodeName(),
		c.Username, topology.AgentUsername, topology.LoadBalancerUsername, render.DetectionOf(c).PromptElection,
		cmp.Or(c.WALSize(), topology.DefaultWALSize))
}

// dockerEngine is the engine the tests run their containers on.
type dockerEngine struct{ *client.Client }

func newDocker(t *testing.T) dockerEngine {
	t.Helper()
	c, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return dockerEngine{c}
}

// checkHAProxyConf lets HAProxy check a file, warnings included.
func (d dockerEngine) checkHAProxyConf(t *testing.T, conf []byte) error {
	const path = "/tmp/haproxy.cfg"
	id := d.start(t, &container.Config{
		Image: topology.DefaultHAProxyImage, Entrypoint: []string{},
		Cmd: []string{"haproxy", "-dW", "-c", "-f", path},
	}, nil,
		map[string][]byte{path: conf, topology.LoadBalancerCertificatePath: []byte(testCertificate(t).PEM())})
	exited, errs := d.ContainerWait(t.Context(), id, container.WaitConditionNotRunning)
	select {
	case err := <-errs:
		return err
	case result := <-exited:
		if result.StatusCode != 0 {
			return fmt.Errorf("haproxy -c: status %d: %s", result.StatusCode, d.logs(t, id))
		}
		return nil
	}
}

// bootNode starts the first node of a cluster by itself, with the files of the cluster.
func (d dockerEngine) bootNode(
	t *testing.T, image string, c *topology.Cluster, files map[string][]byte,
) (*bootedNode, error) {
	const start = `printf COOKIE >/var/lib/rabbitmq/.erlang.cookie &&
		chmod 400 /var/lib/rabbitmq/.erlang.cookie &&
		chown -R rabbitmq:rabbitmq /var/lib/rabbitmq && chmod 644 /run/warren/definitions.json &&
		exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups rabbitmq-server`
	upload := map[string][]byte{
		topology.DefinitionsPath:    files["definitions.json"],
		topology.PromptElectionPath: []byte(erlang.PromptElection),
		topology.NodePulsePath:      []byte(erlang.NodePulse),
	}
	if c.HasTLS() {
		own := testCertificate(t)
		upload[topology.CertificatePath], upload[topology.AuthorityPath] = []byte(own.PEM()), []byte(own.Chain)
	}
	if c.TLSClientAuthority != "" {
		upload[topology.ClientAuthorityPath] = []byte(c.TLSClientAuthority)
	}
	if c.TLSInterNode {
		authority := testCertificate(t)
		upload[topology.InterNodeOptionsPath] = files["inter_node_tls.config"]
		upload[topology.InterNodeAuthorityPath] = []byte(authority.Chain)
		upload[topology.InterNodePath] = peerCertificate(t, authority, c.Nodes[0].Name)
	}
	for _, name := range []string{"rabbitmq.conf", "advanced.config", "enabled_plugins"} {
		upload["/etc/rabbitmq/"+name] = files[name]
	}
	// The node's peers don't exist: let it look for them here, where they are found missing at once, and once
	// only.
	upload["/etc/rabbitmq/rabbitmq.conf"] = append(slices.Clone(files["rabbitmq.conf"]),
		"\ncluster_formation.discovery_retry_limit = 1\n"...)
	var peers []string
	for _, peer := range c.Nodes[1:] {
		peers = append(peers, peer.Name+":127.0.0.1")
	}
	id := d.start(t, &container.Config{
		Image:      image,
		Hostname:   c.Nodes[0].Name,
		Entrypoint: []string{"bash", "-c", start},
		Env: []string{
			"RABBITMQ_NODENAME=" + c.Nodes[0].NodeName(),
			"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=" + strings.TrimSpace(string(files["erlang-args"])),
			"RABBITMQ_CTL_ERL_ARGS=" + strings.Join(render.InterNodeArgs(c), " "),
		},
	}, &container.HostConfig{ExtraHosts: peers}, upload)

	started := func(context.Context) error {
		logs := d.logs(t, id)
		if strings.Contains(logs, startupMessage) {
			return nil
		}
		state, err := d.ContainerInspect(t.Context(), id)
		if err != nil {
			return wait.Abort(err)
		}
		if !state.State.Running {
			return wait.Abort(fmt.Errorf("the node stopped with status %d: %s", state.State.ExitCode, logs))
		}
		return errors.New(logs)
	}
	if err := wait.Within(t.Context(), bootDeadline, time.Second, "the node to start", started); err != nil {
		return nil, err
	}
	return &bootedNode{d, id}, nil
}

// testCertificate is a certificate with its key.
func testCertificate(t *testing.T) certificate.Pair {
	t.Helper()
	pair, err := certificate.NewAuthority("test", time.Now())
	require.NoError(t, err)
	return pair
}

// peerCertificate is a certificate that an authority issues for a node, with its key.
func peerCertificate(t *testing.T, authority certificate.Pair, name string) []byte {
	t.Helper()
	read, err := certificate.ReadAuthority(authority)
	require.NoError(t, err)
	pair, err := read.Issue(certificate.Subject{Name: name, Names: []string{name}, Peer: true}, "", time.Now())
	require.NoError(t, err)
	return []byte(pair.PEM())
}

// start creates a container with files, starts it and sees to its removal.
func (d dockerEngine) start(
	t *testing.T, config *container.Config, host *container.HostConfig, files map[string][]byte,
) string {
	t.Helper()
	_, err := d.ImageInspect(t.Context(), config.Image)
	require.NoError(t, err, "run make images to have it")
	created, err := d.ContainerCreate(t.Context(), config, host, nil, nil, "")
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		all := container.RemoveOptions{Force: true, RemoveVolumes: true}
		assert.NoError(t, d.ContainerRemove(ctx, created.ID, all))
	})
	packed, options := archive(t, files), container.CopyToContainerOptions{}
	require.NoError(t, d.CopyToContainer(t.Context(), created.ID, "/", packed, options))
	require.NoError(t, d.ContainerStart(t.Context(), created.ID, container.StartOptions{}))
	return created.ID
}

func (d dockerEngine) logs(t *testing.T, id string) string {
	t.Helper()
	stream, err := d.ContainerLogs(t.Context(), id, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	require.NoError(t, err)
	defer stream.Close()
	return demultiplexed(t, stream)
}

// bootedNode is a node that runs.
type bootedNode struct {
	docker dockerEngine
	id     string
}

// eval evaluates an Erlang expression on the node.
func (n *bootedNode) eval(t *testing.T, expression string) string {
	t.Helper()
	return n.run(t, "rabbitmqctl", "--quiet", "eval", expression)
}

// get returns the status with which the node's management interface answers a request.
func (n *bootedNode) get(t *testing.T, path, user, password string) string {
	t.Helper()
	const request = `exec 3<>/dev/tcp/127.0.0.1/"$0"
		printf 'GET %s HTTP/1.0\r\nAuthorization: Basic %s\r\n\r\n' "$1" "$2" >&3
		read -r _ status _ <&3 && echo "$status"`
	credentials := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	return n.run(t, "bash", "-c", request, strconv.Itoa(topology.ManagementPort), path, credentials)
}

// run returns what a command in the node's container writes, without spaces.
func (n *bootedNode) run(t *testing.T, command ...string) string {
	t.Helper()
	created, err := n.docker.ContainerExecCreate(t.Context(), n.id, container.ExecOptions{
		Cmd: command, User: "rabbitmq", AttachStdout: true, AttachStderr: true,
	})
	require.NoError(t, err)
	attached, err := n.docker.ContainerExecAttach(t.Context(), created.ID, container.ExecAttachOptions{})
	require.NoError(t, err)
	defer attached.Close()
	return strings.Join(strings.Fields(demultiplexed(t, attached.Reader)), "")
}

func demultiplexed(t *testing.T, stream io.Reader) string {
	t.Helper()
	var b strings.Builder
	_, err := stdcopy.StdCopy(&b, &b, stream)
	if !errors.Is(err, io.EOF) {
		require.NoError(t, err)
	}
	return b.String()
}

// archive packs files, with the directories above them.
func archive(t *testing.T, files map[string][]byte) io.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for path, text := range files {
		header := tar.Header{Name: strings.TrimPrefix(path, "/"), Mode: 0o444, Size: int64(len(text))}
		require.NoError(t, w.WriteHeader(&header))
		_, err := w.Write(text)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return &b
}

// filesOf renders the files of the first node of a cluster.
func filesOf(t *testing.T, c *topology.Cluster) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for name, text := range rendered(t, c) {
		files[name] = []byte(text)
	}
	return files
}

func readAll(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	files := map[string][]byte{}
	for _, entry := range entries {
		files[entry.Name()], err = os.ReadFile(filepath.Join(dir, entry.Name()))
		require.NoError(t, err)
	}
	return files
}
