package preflight

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

	"github.com/docker/docker/api/types/container"

	"warren/infra/engine"
	"warren/topology"
)

// hostPort is a port that the stack publishes on the host.
type hostPort struct {
	number int
	use    string
}

func hostPorts(cluster *topology.Cluster, host string) []hostPort {
	var ports []hostPort
	for _, n := range cluster.Nodes {
		if n.Host != host {
			continue
		}
		for _, p := range cluster.ClientPorts(n) {
			ports = append(ports, hostPort{p.Outside, n.Name + ", " + p.Use})
		}
		if host != "" {
			for _, port := range topology.HostPorts() {
				ports = append(ports, hostPort{port, n.Name + ", for its peers"})
			}
		}
	}
	if host != "" && cluster.FormationHostName() == host {
		ports = append(ports, hostPort{topology.FormationPort, "formation"})
	}
	if !slices.Contains(cluster.LoadBalancerHosts, host) {
		return ports
	}
	for _, p := range cluster.LoadBalancerPorts() {
		ports = append(ports, hostPort{p.Outside, "load balancer, " + p.Use})
	}
	if host != "" {
		ports = append(ports, hostPort{topology.BalancerMetricsPort, "load balancer, metrics"})
	}
	if m := cluster.Monitoring; m != nil && host == cluster.MonitoringHost() {
		ports = append(ports, hostPort{m.PrometheusPort, "Prometheus"},
			hostPort{m.AlertmanagerPort, "Alertmanager"})
		if m.GrafanaImage != "" {
			ports = append(ports, hostPort{m.GrafanaPort, "Grafana"})
		}
	}
	return ports
}

// portProblems finds the stack's ports that something else has. A container of the stack itself may have
// them, running or not: one that is just starting again holds ports that no list shows.
func portProblems(
	ctx context.Context, docker engine.Client, cluster *topology.Cluster, host string,
) ([]string, error) {
	address, remedy := cluster.PublishAddress(host), "stop that, or choose other warren:ports"
	if host != "" {
		remedy = "stop that, or give the host another address"
	}
	containers, err := docker.ContainerList(ctx, container.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the engine's containers: %w", err)
	}
	own, err := ownPorts(ctx, docker, cluster)
	if err != nil {
		return nil, err
	}
	var problems []string
	for _, port := range hostPorts(cluster, host) {
		holder, found := publisher(containers, address, port.number)
		switch {
		case found && holder.Labels[topology.LabelStack] == cluster.Stack:
		case !found && own[port.number]:
		case found:
			problems = append(problems, fmt.Sprintf("port %d (%s) belongs to the container %s: %s",
				port.number, port.use, strings.TrimPrefix(holder.Names[0], "/"), remedy))
		case host != "":
			if answers(ctx, address, port.number) {
				problems = append(problems, fmt.Sprintf("port %d (%s) is in use at %s by something that is no "+
					"container: %s",
					port.number, port.use, address, remedy))
			}
		case engine.IsLocal(docker):
			if err := listen(ctx, address, port.number); err != nil {
				problems = append(problems, fmt.Sprintf("port %d (%s) can't be used: %v", port.number, port.use, err))
			}
		}
	}
	return problems, nil
}

// ownPorts are the ports that the stack's own containers are configured to publish.
func ownPorts(ctx context.Context, docker engine.Client, cluster *topology.Cluster) (map[int]bool, error) {
	containers, err := docker.ContainerList(ctx,
		container.ListOptions{All: true, Filters: engine.OfStack(cluster.Stack)})
	if err != nil {
		return nil, fmt.Errorf("list the containers of stack %s: %w", cluster.Stack, err)
	}
	own := map[int]bool{}
	for _, c := range containers {
		details, err := docker.ContainerInspect(ctx, c.ID)
		if err != nil || details.ContainerJSONBase == nil || details.HostConfig == nil {
			continue // it has just been removed
		}
		for _, bindings := range details.HostConfig.PortBindings {
			for _, b := range bindings {
				if port, err := strconv.Atoi(b.HostPort); err == nil {
					own[port] = true
				}
			}
		}
	}
	return own, nil
}

// answers tells whether something listens at a port of another host. What is only bound there, or does not
// answer in time, is found when the container starts.
func answers(ctx context.Context, address string, port int) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	c, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(port)))
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

// answerTimeout bounds the wait for a connection to a port that is probably closed.
const answerTimeout = time.Second

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
		return errors.New("another process listens there (`ss -ltnp` shows which): stop that, or choose other " +
			"warren:ports")
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("this machine has no address %s: correct warren:bindAddress", address)
	case errors.Is(err, syscall.EACCES):
		return nil // a privileged port: the engine may use it although we may not
	default:
		return err
	}
}
