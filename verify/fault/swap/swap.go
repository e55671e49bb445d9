// Package swap puts the volumes of nodes on disks that can be told to lie, and takes them off again.
//
// The disk is a file system of the container that serves it, mounted over the volume's directory on the
// engine's machine: the node's container, when it is started the next time, gets it in place of the volume.
// Nothing of the stack is changed for that. All that a node writes goes through to its volume at once, so
// that the volume is whole whenever the disk is taken away.
package swap

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"
	"github.com/docker/docker/pkg/stdcopy"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault/disk/order"
	"warren/verify/fault/packet"
)

// ErrNoTools says that the image of the disks is missing.
var ErrNoTools = errors.New("there is no image " + topology.DiskToolsImage +
	": run `images/build disktools:1`")

// Limits of waiting. The first is for a container that starts on a slow machine.
const (
	startTimeout = 2 * time.Minute
	pollEvery    = 100 * time.Millisecond
	// stopGrace is how long a disk may take to be unmounted.
	stopGrace = 30 * time.Second
)

// backingPath is where the container of a disk has the node's volume, graveyard what the disk keeps in it (as
// disk.Graveyard, which is for Linux only).
const (
	backingPath = "/backing"
	graveyard   = backingPath + "/.warren-lying-disk"
)

// possible are the engines, by stack, on which a disk could be mounted.
var possible sync.Map

// Available returns nil if nodes can be put on lying disks, else an error that says why not. It mounts one to
// see.
func Available(ctx context.Context, c *cluster.Cluster) error {
	if _, known := possible.Load(c.Stack()); known {
		return nil
	}
	if err := haveImage(ctx, c); err != nil {
		return err
	}
	if _, err := once(ctx, c, nil, "lyingdisk", "probe"); err != nil {
		return fmt.Errorf("the engine can't mount a file system from a container: %w", err)
	}
	possible.Store(c.Stack(), true)
	return nil
}

func haveImage(ctx context.Context, c *cluster.Cluster) error {
	_, err := c.Docker().ImageInspect(ctx, topology.DiskToolsImage)
	if errdefs.IsNotFound(err) {
		return ErrNoTools
	}
	return err
}

// volume is the volume of a node's data, and where the engine has it.
func volume(
	ctx context.Context, c *cluster.Cluster, node topology.NodeOutput,
) (name, path string, err error) {
	inspected, err := c.Inspect(ctx, node.Container)
	if err != nil {
		return "", "", err
	}
	i := slices.IndexFunc(inspected.Mounts, func(m container.MountPoint) bool {
		return m.Type == mount.TypeVolume && m.Destination == topology.DataPath
	})
	if i < 0 {
		return "", "", fmt.Errorf("container %s has no volume at %s", node.Container, topology.DataPath)
	}
	found, err := c.Docker().VolumeInspect(ctx, inspected.Mounts[i].Name)
	if err != nil {
		return "", "", err
	}
	if found.Driver != "local" || len(found.Options) > 0 {
		return "", "", fmt.Errorf("the volume of %s is not a directory of the engine's machine", node.Name)
	}
	return found.Name, found.Mountpoint, nil
}

// source is what the table of mounts says that a node's disk is of.
func source(c *cluster.Cluster, node topology.NodeOutput) string { return sources(c) + node.Name }

// sources is what source begins with for all nodes of a stack.
func sources(c *cluster.Cluster) string { return "warren:" + c.Stack() + ":" }

// Put puts the volume of a node on a lying disk. The node must not run.
func Put(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	if err := mustNotRun(ctx, c, node); err != nil {
		return err
	}
	name, path, err := volume(ctx, c, node)
	if err != nil {
		return err
	}
	host := hostConfig()
	host.Mounts = []mount.Mount{{Type: mount.TypeVolume, Source: name, Target: backingPath}}
	id, err := start(ctx, c, host, node.Name, "lyingdisk", "mount", "--source", source(c, node),
		backingPath, path)
	if err != nil {
		return fmt.Errorf("put %s on a lying disk: %w", node.Name, err)
	}
	err = wait.Within(ctx, startTimeout, pollEvery, "the lying disk of "+node.Name,
		func(ctx context.Context) error {
			if err := ended(ctx, c, id); err != nil {
				return wait.Abort(err)
			}
			_, err := Tell(ctx, c, node, order.Order{Do: order.Status})
			return err
		})
	if err != nil {
		return errors.Join(err, Take(context.WithoutCancel(ctx), c, node))
	}
	return nil
}

// ended says why a container has ended that should run.
func ended(ctx context.Context, c *cluster.Cluster, id string) error {
	state, err := c.State(ctx, id)
	if err != nil || state == "running" || state == "created" {
		return err
	}
	said, err := output(ctx, c, id)
	return errors.Join(fmt.Errorf("the container of the disk is %s: %s", state, said), err)
}

// mustNotRun refuses to change the disk under a node that runs.
func mustNotRun(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	state, err := c.State(ctx, node.Container)
	if err == nil && (state == "running" || state == "paused") {
		err = fmt.Errorf("%s is %s: its disk can't be changed", node.Name, state)
	}
	return err
}

// Tell gives the disk of a node an order. What the disk refuses is an error.
func Tell(
	ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, o order.Order,
) (order.Report, error) {
	var r order.Report
	fail := func(err error) (order.Report, error) {
		return r, fmt.Errorf("tell the disk of %s to %s: %w", node.Name, o.Do, err)
	}
	disks, err := containersOf(ctx, c, node)
	if err != nil {
		return fail(err)
	}
	if len(disks) == 0 {
		return fail(errors.New("the node is on no lying disk"))
	}
	text, err := json.Marshal(o)
	if err != nil {
		return fail(err)
	}
	said, err := c.Run(ctx, disks[0], "lyingdisk", "tell", string(text))
	if err != nil {
		return fail(err)
	}
	if err := json.Unmarshal([]byte(said), &r); err != nil {
		return fail(err)
	}
	if r.Error != "" {
		return fail(errors.New(r.Error))
	}
	return r, nil
}

// Take takes the volume of a node off its lying disk, also off one whose process is gone. The node must not
// run.
func Take(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	if err := mustNotRun(ctx, c, node); err != nil {
		return err
	}
	disks, err := containersOf(ctx, c, node)
	if err != nil {
		return err
	}
	for _, id := range disks {
		seconds := int(stopGrace.Seconds())
		_ = c.Docker().ContainerStop(ctx, id, container.StopOptions{Timeout: &seconds}) // unmounts; looked at below
		if err := remove(ctx, c, id); err != nil {
			return err
		}
	}
	name, path, err := volume(ctx, c, node)
	if err != nil {
		return err
	}
	if _, err := once(ctx, c, nil, "lyingdisk", "unmount", path); err != nil {
		return fmt.Errorf("take %s off its lying disk: %w", node.Name, err)
	}
	backing := []mount.Mount{{Type: mount.TypeVolume, Source: name, Target: backingPath}}
	if _, err := once(ctx, c, backing, "rm", "-rf", graveyard); err != nil {
		return fmt.Errorf("clean up after the lying disk of %s: %w", node.Name, err)
	}
	return nil
}

// Nodes returns the nodes whose volumes are on lying disks, as far as those are mounted or have a container.
func Nodes(ctx context.Context, c *cluster.Cluster) ([]topology.NodeOutput, error) {
	if err := haveImage(ctx, c); errors.Is(err, ErrNoTools) {
		return nil, nil // so nobody can have put any there
	}
	said, err := once(ctx, c, nil, "lyingdisk", "list")
	if err != nil {
		if Available(ctx, c) != nil {
			return nil, nil //nolint:nilerr // where disks can't be mounted, none is
		}
		return nil, fmt.Errorf("look for lying disks: %w", err)
	}
	var mounted []struct{ Source, Target string }
	if err := json.Unmarshal([]byte(said), &mounted); err != nil {
		return nil, fmt.Errorf("the list of lying disks: %w", err)
	}
	running, err := containersOf(ctx, c, topology.NodeOutput{})
	if err != nil {
		return nil, err
	}
	var nodes []topology.NodeOutput
	for _, node := range c.Nodes() {
		found := slices.ContainsFunc(mounted, func(m struct{ Source, Target string }) bool {
			return m.Source == source(c, node)
		})
		if !found && len(running) > 0 {
			disks, err := containersOf(ctx, c, node)
			if err != nil {
				return nil, err
			}
			found = len(disks) > 0
		}
		if found {
			nodes = append(nodes, node)
		}
	}
	return nodes, nil
}

// containersOf returns the containers of a node's disks, or with no node's name those of the stack.
func containersOf(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) ([]string, error) {
	list, err := packet.ByRole(ctx, c, topology.RoleLyingDisk)
	var ids []string
	for _, found := range list {
		if node.Name == "" || found.Labels[topology.LabelNode] == node.Name {
			ids = append(ids, found.ID)
		}
	}
	return ids, err
}

// hostConfig is what a container needs to mount something on the engine's machine: to see the machine's
// processes, one of which has the mount namespace, and to enter that.
func hostConfig() *container.HostConfig {
	init := true
	return &container.HostConfig{
		Init:        &init,
		NetworkMode: "none",
		PidMode:     "host",
		CapDrop:     []string{"ALL"},
		CapAdd: []string{
			"SYS_ADMIN", "SYS_PTRACE", "SYS_CHROOT", // to mount there
			"DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "CHOWN", // files of others
		},
		SecurityOpt: []string{"apparmor=unconfined"}, // whose default profile forbids to mount
		Resources: container.Resources{Devices: []container.DeviceMapping{
			{PathOnHost: "/dev/fuse", PathInContainer: "/dev/fuse", CgroupPermissions: "rwm"},
		}},
	}
}

// start starts a container of the image. Those with a node's name are found as that node's disk.
func start(
	ctx context.Context, c *cluster.Cluster, host *container.HostConfig, node string, command ...string,
) (string, error) {
	labels := map[string]string{topology.LabelStack: c.Stack(), topology.LabelRole: topology.RoleFault}
	if node != "" {
		labels[topology.LabelRole], labels[topology.LabelNode] = topology.RoleLyingDisk, node
	}
	created, err := c.Docker().ContainerCreate(ctx, &container.Config{
		Image: topology.DiskToolsImage, Cmd: command, Labels: labels,
	}, host, nil, nil, "")
	if err != nil {
		return "", err
	}
	if err := c.Docker().ContainerStart(ctx, created.ID, container.StartOptions{}); err != nil {
		return "", errors.Join(err, remove(context.WithoutCancel(ctx), c, created.ID))
	}
	return created.ID, nil
}

// once runs a command in a container of its own and returns what it said.
func once(
	ctx context.Context, c *cluster.Cluster, mounts []mount.Mount, command ...string,
) (said string, err error) {
	host := hostConfig()
	host.Mounts = mounts
	id, err := start(ctx, c, host, "", command...)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, remove(context.WithoutCancel(ctx), c, id)) }()
	over, failed := c.Docker().ContainerWait(ctx, id, container.WaitConditionNotRunning)
	var code int64
	select {
	case result := <-over:
		code = result.StatusCode
	case err := <-failed:
		return "", err
	}
	said, err = output(ctx, c, id)
	if err == nil && code != 0 {
		err = fmt.Errorf("%s: exit status %d: %s", strings.Join(command, " "), code, said)
	}
	return said, err
}

// output is what a container has said.
func output(ctx context.Context, c *cluster.Cluster, id string) (string, error) {
	stream, err := c.Docker().ContainerLogs(ctx, id, container.LogsOptions{ShowStdout: true, ShowStderr: true})
	if err != nil {
		return "", err
	}
	defer stream.Close()
	var said strings.Builder
	if _, err := stdcopy.StdCopy(&said, &said, stream); err != nil {
		return "", err
	}
	return strings.TrimSpace(said.String()), nil
}

func remove(ctx context.Context, c *cluster.Cluster, id string) error {
	err := c.Docker().ContainerRemove(ctx, id, container.RemoveOptions{Force: true})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}
