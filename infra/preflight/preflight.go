// Package preflight looks for what would make a deployment fail halfway, before anything is touched.
package preflight

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/system"

	"warren/agent/plan"
	"warren/infra/engine"
	"warren/infra/survey"
	"warren/topology"
)

const (
	// engineTimeout bounds the questions to the engine. The engine may have to ask a registry far away.
	engineTimeout = 20 * time.Second
	// idleNodeMemory is what a node without a memory limit takes when it is idle.
	idleNodeMemory = 256 << 20
	// nodeDisk is what a node takes on the disk before the first message: logs, metadata, preallocated
	// journals.
	nodeDisk = 128 << 20
	// ourImages is the prefix of the images that the project builds. No registry has them.
	ourImages = "warren/"
)

// Error lists everything on the machine that would make a deployment fail.
type Error struct {
	// Problems say what is wrong and what to do about it.
	Problems []string
}

// Error lists the problems, one per line.
func (e *Error) Error() string {
	return "the stack can't be deployed here:\n  - " + strings.Join(e.Problems, "\n  - ")
}

// Check looks for what would make a deployment of the cluster fail halfway, and reports all of it at once
// as an *Error: memory, disk, images, ports, names and open files that are missing, and what the planner
// refuses by what was found. It changes nothing.
func Check(
	ctx context.Context, docker engine.Client, cluster *topology.Cluster, found *survey.Found,
	desired plan.Desired,
) error {
	ctx, cancel := context.WithTimeout(ctx, engineTimeout)
	defer cancel()
	answers, err := askAll(ctx, docker)
	if err != nil {
		return err
	}
	problems := clockProblems(answers)
	for _, a := range answers {
		of, err := a.problems(ctx, cluster)
		if err != nil {
			return err
		}
		for _, problem := range of {
			problems = append(problems, a.prefix()+problem)
		}
	}
	problems = append(problems, found.Problems(cluster, desired)...)
	if len(problems) > 0 {
		return &Error{problems}
	}
	return nil
}

func memoryProblems(info system.Info, cluster *topology.Cluster, host string) []string {
	perNode := max(cluster.MemoryLimit, idleNodeMemory)
	nodes, balancer := nodesOn(cluster, host), slices.Contains(cluster.LoadBalancerHosts, host)
	need, what := int64(nodes)*perNode, fmt.Sprintf("%d nodes of %s", nodes, gibibytes(perNode))
	if nodes == 1 {
		what = "a node of " + gibibytes(perNode)
	}
	if balancer {
		need, what = need+cluster.LoadBalancerMemory(), what+" and the load balancer"
	}
	if m := cluster.Monitoring; m != nil && host == cluster.MonitoringHost() {
		need, what = need+m.Memory(), what+", with the monitoring,"
	}
	if info.MemTotal >= need {
		return nil
	}
	return []string{fmt.Sprintf("%s take %s of memory, and the machine of the Docker engine has %s: lower "+
		"warren:memoryLimit or warren:nodes", what, gibibytes(need), gibibytes(info.MemTotal))}
}

func diskProblems(info system.Info, cluster *topology.Cluster, host string) []string {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(info.DockerRootDir, &fs); err != nil {
		return nil // the engine is in a virtual machine, as Docker Desktop's is
	}
	free := int64(fs.Bavail) * fs.Bsize
	need := cluster.DiskFreeLimit + int64(nodesOn(cluster, host))*nodeDisk
	if free >= need {
		return nil
	}
	return []string{fmt.Sprintf("%s has %s free and the stack needs %s, because its nodes take no messages "+
		"with less than warren:diskFreeLimit = %s: free some, or lower that",
		info.DockerRootDir, gibibytes(free), gibibytes(need), gibibytes(cluster.DiskFreeLimit))}
}

func imageProblems(ctx context.Context, docker engine.Client, cluster *topology.Cluster) []string {
	var problems []string
	type configured struct{ key, reference string }
	images := []configured{{"warren:image", cluster.Image}, {"warren:haproxyImage", cluster.LoadBalancer.Image}}
	if m := cluster.Monitoring; m != nil {
		images = append(images, configured{"prometheusImage of warren:monitoring", m.PrometheusImage},
			configured{"alertmanagerImage of warren:monitoring", m.AlertmanagerImage})
		if m.GrafanaImage != "" {
			images = append(images, configured{"grafanaImage of warren:monitoring", m.GrafanaImage})
		}
	}
	if cluster.VirtualAddress != "" {
		images = append(images, configured{"warren:virtualAddress", topology.KeepalivedImage})
	}
	for _, image := range images {
		_, err := docker.ImageInspect(ctx, image.reference)
		switch {
		case err == nil:
			continue
		case !cerrdefs.IsNotFound(err):
			problems = append(problems, fmt.Sprintf("the image %s can't be looked up: %v", image.reference, err))
			continue
		case strings.HasPrefix(image.reference, ourImages):
			problems = append(problems, fmt.Sprintf("the image %s is not there: run `make images`, or set %s to "+
				"another", image.reference, image.key))
			continue
		}
		_, err = docker.DistributionInspect(ctx, image.reference, "")
		// A registry that wants credentials may get them from the provider's configuration.
		if err != nil && !cerrdefs.IsUnauthorized(err) && !cerrdefs.IsPermissionDenied(err) {
			problems = append(problems, fmt.Sprintf("the image %s is neither here nor available from its registry "+
				"(%v): correct %s, or pull or build the image first", image.reference, err, image.key))
		}
	}
	return problems
}

func gibibytes(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }
