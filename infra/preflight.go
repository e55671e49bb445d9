package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/system"

	"warren/topology"
)

const (
	// engineTimeout bounds the questions to the engine; a registry it asks in turn may be far away.
	engineTimeout = 20 * time.Second
	// idleNodeMemory is what a node without a memory limit takes when it is idle.
	idleNodeMemory = 256 << 20
	// nodeDisk is what a node takes on the disk before the first message: logs, metadata, preallocated journals.
	nodeDisk = 128 << 20
	// ourImages is the prefix of the images the project builds itself. No registry has them.
	ourImages = "warren/"
)

// PreflightError lists everything on the machine that would make a deployment fail.
type PreflightError struct {
	Problems []string
}

// Error lists the problems, one per line.
func (e *PreflightError) Error() string {
	return "the stack can't be deployed here:\n  - " + strings.Join(e.Problems, "\n  - ")
}

// preflight looks for what would make the deployment fail halfway, and tells all of it at once. It changes nothing.
func preflight(ctx context.Context, docker engine, cluster *topology.Cluster) error {
	unbound := ctx
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	info, err := docker.Info(ctx)
	if err != nil {
		return &PreflightError{[]string{fmt.Sprintf("no Docker engine answers at %s (%v): start one, or set DOCKER_HOST to where one is",
			docker.DaemonHost(), err)}}
	}
	var problems []string
	problems = append(problems, memoryProblems(info, cluster)...)
	if isLocal(docker) {
		problems = append(problems, diskProblems(info, cluster)...)
	}
	problems = append(problems, imageProblems(ctx, docker, cluster)...)
	ports, err := portProblems(ctx, docker, cluster)
	if err != nil {
		return err
	}
	nodes, err := nodesOfStack(ctx, docker, cluster.Stack)
	if err != nil {
		return err
	}
	departures, err := departureProblems(unbound, docker, cluster, nodes)
	if err != nil {
		return err
	}
	if problems = slices.Concat(problems, ports, upgradeProblems(cluster, nodes), departures); len(problems) > 0 {
		return &PreflightError{problems}
	}
	return nil
}

func memoryProblems(info system.Info, cluster *topology.Cluster) []string {
	perNode := max(cluster.MemoryLimit, idleNodeMemory)
	need := int64(len(cluster.Nodes))*perNode + loadBalancerMemory
	if info.MemTotal >= need {
		return nil
	}
	return []string{fmt.Sprintf("%d nodes of %s and the load balancer take %s of memory, and the machine of the Docker engine has %s: "+
		"lower warren:memoryLimit or warren:nodes", len(cluster.Nodes), gibibytes(perNode), gibibytes(need), gibibytes(info.MemTotal))}
}

func diskProblems(info system.Info, cluster *topology.Cluster) []string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(info.DockerRootDir, &fs); err != nil {
		return nil // the engine is in a virtual machine, as Docker Desktop's is
	}
	free := int64(fs.Bavail) * fs.Bsize
	need := cluster.DiskFreeBytes() + int64(len(cluster.Nodes))*nodeDisk
	if free >= need {
		return nil
	}
	return []string{fmt.Sprintf("%s has %s free and the stack needs %s, because its nodes take no messages with less than warren:diskFreeLimit = %s: "+
		"free some, or lower that", info.DockerRootDir, gibibytes(free), gibibytes(need), cluster.DiskFreeLimit)}
}

func imageProblems(ctx context.Context, docker engine, cluster *topology.Cluster) []string {
	var problems []string
	for _, image := range []struct{ key, reference string }{
		{"image", cluster.Image}, {"haproxyImage", cluster.LoadBalancer.Image},
	} {
		_, err := docker.ImageInspect(ctx, image.reference)
		if err == nil {
			continue
		}
		if !cerrdefs.IsNotFound(err) {
			problems = append(problems, fmt.Sprintf("the image %s can't be looked up: %v", image.reference, err))
			continue
		}
		if strings.HasPrefix(image.reference, ourImages) {
			problems = append(problems, fmt.Sprintf("the image %s is not there: run `make images`, or set %s%s to another",
				image.reference, namespace, image.key))
			continue
		}
		_, err = docker.DistributionInspect(ctx, image.reference, "")
		// A registry that wants credentials may get them from the provider's configuration.
		if err != nil && !cerrdefs.IsUnauthorized(err) && !cerrdefs.IsPermissionDenied(err) {
			problems = append(problems, fmt.Sprintf("the image %s is neither here nor to be had from its registry (%v): correct %s%s, or pull "+
				"or build the image first", image.reference, err, namespace, image.key))
		}
	}
	return problems
}

// hostPort is a port that the stack publishes on the host.
type hostPort struct {
	number int
	use    string
}

func hostPorts(cluster *topology.Cluster) []hostPort {
	var ports []hostPort
	for _, n := range cluster.Nodes {
		ports = append(ports, hostPort{n.AMQPPort, n.Name + ", AMQP"}, hostPort{n.ManagementPort, n.Name + ", management"})
	}
	lb := cluster.LoadBalancer
	return append(ports, hostPort{lb.AMQPPort, "load balancer, AMQP"}, hostPort{lb.ManagementPort, "load balancer, management"},
		hostPort{lb.StatsPort, "load balancer, statistics"})
}

// portProblems finds the stack's ports that something else has. A running container of the stack itself may have them.
func portProblems(ctx context.Context, docker engine, cluster *topology.Cluster) ([]string, error) {
	containers, err := docker.ContainerList(ctx, container.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("listing the engine's containers: %w", err)
	}
	var problems []string
	for _, port := range hostPorts(cluster) {
		holder, found := publisher(containers, cluster.BindAddress, port.number)
		switch {
		case found && holder.Labels[labelStack] == cluster.Stack:
		case found:
			problems = append(problems, fmt.Sprintf("port %d (%s) belongs to the container %s: stop that, or choose other warren:ports",
				port.number, port.use, strings.TrimPrefix(holder.Names[0], "/")))
		case isLocal(docker):
			if err := listen(ctx, cluster.BindAddress, port.number); err != nil {
				problems = append(problems, fmt.Sprintf("port %d (%s) can't be used: %v", port.number, port.use, err))
			}
		}
	}
	return problems, nil
}

// publisher finds the container that publishes a port at an address or at all addresses.
func publisher(containers []container.Summary, address string, port int) (container.Summary, bool) {
	wanted := net.ParseIP(address)
	for _, c := range containers {
		for _, p := range c.Ports {
			has := net.ParseIP(p.IP)
			overlap := has.Equal(wanted) || has.IsUnspecified() || wanted.IsUnspecified()
			if int(p.PublicPort) == port && overlap {
				return c, true
			}
		}
	}
	return container.Summary{}, false
}

// listen tells what keeps a process from listening on a port of this machine.
func listen(ctx context.Context, address string, port int) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	switch {
	case err == nil:
		return l.Close()
	case errors.Is(err, syscall.EADDRINUSE):
		return errors.New("another process listens there (`ss -ltnp` shows which): stop that, or choose other warren:ports")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("this machine has no address %s: correct warren:bindAddress", address)
	case errors.Is(err, syscall.EACCES):
		return nil // a privileged port: the engine may use it although we may not
	default:
		return err
	}
}

func gibibytes(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }
