package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/volume"

	"warren/infra/engine"
	"warren/topology"
)

// containerNames are the names of the stack's containers, each with what it is.
func containerNames(cluster *topology.Cluster) map[string]string {
	names := map[string]string{
		cluster.FormationContainerName():          "the formation",
		cluster.LoadBalancerContainerName():       "the load balancer",
		cluster.LoadBalancerConfigContainerName(): "the load balancer's configuration",
	}
	if cluster.Monitoring != nil {
		names[cluster.PrometheusContainerName()] = "Prometheus"
		names[cluster.AlertmanagerContainerName()] = "Alertmanager"
		if cluster.Monitoring.GrafanaImage != "" {
			names[cluster.GrafanaContainerName()] = "Grafana"
		}
	}
	for _, n := range cluster.Nodes {
		names[cluster.ContainerName(n)] = "node " + n.Name
		names[cluster.MembershipContainerName(n)] = "the membership of node " + n.Name
	}
	return names
}

// volumeNames are the names of the stack's volumes, each with what it is.
func volumeNames(cluster *topology.Cluster) map[string]string {
	names := map[string]string{cluster.LoadBalancerVolumeName(): "the load balancer's configuration"}
	if cluster.Monitoring != nil {
		names[topology.MonitoringVolumeName(cluster.PrometheusContainerName())] = "Prometheus"
		names[topology.MonitoringVolumeName(cluster.AlertmanagerContainerName())] = "Alertmanager"
		if cluster.Monitoring.GrafanaImage != "" {
			names[topology.MonitoringVolumeName(cluster.GrafanaContainerName())] = "Grafana"
		}
	}
	for _, n := range cluster.Nodes {
		names[cluster.VolumeName(n)] = "node " + n.Name
		if cluster.HasTLS() {
			names[cluster.TLSVolumeName(n)] = "the certificate of node " + n.Name
		}
	}
	return names
}

// nameProblems finds containers and volumes that have a name of the stack's and are not the stack's. A stack
// "dev" with a node "x-rabbit1" and a stack "dev-x" with a node "rabbit1" want the same names.
func nameProblems(ctx context.Context, docker engine.Client, cluster *topology.Cluster) ([]string, error) {
	containers, err := docker.ContainerList(ctx, container.ListOptions{All: true})
	if err != nil {
		return nil, fmt.Errorf("list the engine's containers: %w", err)
	}
	volumes, err := docker.VolumeList(ctx, volume.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the engine's volumes: %w", err)
	}
	var problems []string
	find := func(kind, name string, labels map[string]string, names map[string]string) {
		what, ours := names[name]
		owner := labels[topology.LabelStack]
		if !ours || owner == cluster.Stack {
			return
		}
		whose := "is of stack " + owner
		if owner == "" {
			whose = "is not Warren's"
		}
		problems = append(problems, fmt.Sprintf("the %s %s %s, and its name is the one for %s of stack %s: choose "+
			"another name for the stack or in warren:nodes, or remove it", kind, name, whose, what, cluster.Stack))
	}
	for _, c := range containers {
		for _, name := range c.Names {
			find("container", strings.TrimPrefix(name, "/"), c.Labels, containerNames(cluster))
		}
	}
	for _, v := range volumes.Volumes {
		find("volume", v.Name, v.Labels, volumeNames(cluster))
	}
	return problems, nil
}
