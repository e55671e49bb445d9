package hostfault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"

	"warren/operate/cluster"
	"warren/topology"
)

// comment marks the packet filters on hosts.
const comment = "warren-fault"

// tools run on a host: containers of the tools image on the host's own network.
type tools struct {
	host   topology.Host
	docker *client.Client
	stack  string
}

func toolsOn(c *cluster.Cluster, host topology.Host) tools {
	return tools{host, c.DockerOn(host.Name), c.Stack()}
}

// create starts a container that runs a bash script with arguments on the host's network.
func (t tools) create(ctx context.Context, script string, args ...string) (id string, err error) {
	created, err := t.docker.ContainerCreate(ctx, &container.Config{
		Image:      topology.NetworkToolsImage,
		Entrypoint: append([]string{"bash", "-euo", "pipefail", "-c", script, "warren"}, args...),
		Labels: map[string]string{
			topology.LabelStack: t.stack, topology.LabelRole: topology.RoleFault, topology.LabelNode: t.host.Name,
		},
	}, &container.HostConfig{
		NetworkMode: "host", CapDrop: []string{"ALL"}, CapAdd: []string{"NET_ADMIN", "NET_RAW"},
	}, nil, nil, "")
	if err != nil {
		return "", fmt.Errorf("a container on host %s: %w", t.host.Name, err)
	}
	err = t.docker.ContainerStart(ctx, created.ID, container.StartOptions{})
	if err != nil {
		return "", errors.Join(fmt.Errorf("a container on host %s: %w", t.host.Name, err),
			t.remove(context.WithoutCancel(ctx), created.ID))
	}
	return created.ID, nil
}

// run runs a bash script with arguments on the host's network, and returns what it printed.
func (t tools) run(ctx context.Context, script string, args ...string) (printed string, err error) {
	id, err := t.create(ctx, script, args...)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, t.remove(context.WithoutCancel(ctx), id)) }()
	ended, failed := t.docker.ContainerWait(ctx, id, container.WaitConditionNotRunning)
	var status int64
	select {
	case end := <-ended:
		status = end.StatusCode
	case err := <-failed:
		return "", err
	}
	log, err := t.docker.ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return "", err
	}
	defer log.Close()
	var out, said bytes.Buffer
	if _, err := stdcopy.StdCopy(&out, &said, log); err != nil {
		return "", err
	}
	if status != 0 {
		return "", fmt.Errorf("on host %s: exit status %d: %s%s", t.host.Name, status, out.String(), said.String())
	}
	return strings.TrimSpace(out.String()), nil
}

func (t tools) remove(ctx context.Context, id string) error {
	err := t.docker.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if errdefs.IsNotFound(err) || errdefs.IsConflict(err) {
		return nil
	}
	return err
}

// clear removes what faults have done to the host's network: containers first, for one may be about to change
// filters.
func (t tools) clear(ctx context.Context) error {
	ours := filters.NewArgs(filters.Arg("label", topology.StackLabel(t.stack)),
		filters.Arg("label", topology.RoleLabel(topology.RoleFault)))
	found, err := t.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: ours})
	if err != nil {
		return err
	}
	for _, f := range found {
		if err := t.remove(ctx, f.ID); err != nil {
			return err
		}
	}
	if _, err := t.docker.ImageInspect(ctx, topology.NetworkToolsImage); errdefs.IsNotFound(err) {
		return nil // so nobody can have filtered anything
	}
	left, err := t.run(ctx, clearScript, comment)
	if err == nil && left != "" {
		err = fmt.Errorf("host %s: packet filters are left: %s", t.host.Name, left)
	}
	return err
}

// clearScript removes the packet filters with a comment, and prints those that are left.
const clearScript = `
for table in raw mangle; do
	iptables -w -t $table -S | grep -- "--comment $1" | sed 's/^-A/-D/' | while read -r rule; do
		iptables -w -t $table $rule
	done || true
done
for table in raw mangle; do iptables -w -t $table -S | grep -- "--comment $1" || true; done`

// cutScript loses all packets from and to addresses.
const cutScript = `
mark=$1; shift
for address; do
	iptables -w -t raw -I PREROUTING -s "$address" -m comment --comment "$mark" -j DROP
	iptables -w -t mangle -I POSTROUTING -d "$address" -m comment --comment "$mark" -j DROP
done`

// slowScript holds all packets to addresses for a while. Without netdelay they pass at once.
const slowScript = `
mark=$1 queue=$2 delay=$3; shift 3
for address; do
	iptables -w -t mangle -I POSTROUTING -d "$address" -m comment --comment "$mark" \
		-j NFQUEUE --queue-num "$queue" --queue-bypass
done
exec netdelay "$queue" "$delay"`

// probeScript connects to a port of an address. It prints how many microseconds that took, or "silent". A
// refusal is an answer.
const probeScript = `
timeout 1 bash -c '
began=${EPOCHREALTIME/[.,]/}
{ :; } 3<>"/dev/tcp/$0/$1" || true
ended=${EPOCHREALTIME/[.,]/}
echo $((ended - began))' "$1" "$2" 2>/dev/null || echo silent`
