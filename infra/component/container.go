package component

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/agent/plan"
	"warren/infra/agentbinary"
	"warren/infra/component/internal/rights"
	"warren/infra/engine"
	"warren/topology"
	"warren/topology/render"
)

// What all containers have in common.

var (
	// replaceInPlace deletes a container before its replacement is created: both have the same name and
	// ports.
	replaceInPlace = pulumi.DeleteBeforeReplace(true)
	// helperShares is the CPU weight of a container that looks after a node; a node's is Docker's default,
	// 1024. The command-line tools in it, each an Erlang VM, run when a node comes back and all nodes are
	// busy. The low weight slows them down rather than the other nodes' confirms.
	helperShares = pulumi.Int(256)
	// mayStop leaves a container that is stopped to the program, which replaces it by another generation. Told
	// that the container must run, the Docker provider of the 3.x line removes a stopped one when it looks at
	// it, in a preview as well.
	mayStop = pulumi.Bool(false)
	// noNewPrivileges keeps a process that has dropped root's rights from getting them back.
	noNewPrivileges = pulumi.ToStringArray([]string{"no-new-privileges:true"})
)

// labels say which stack and which part of it something is and who made it, with further pairs of key and
// value.
func labels(stack string, owner pulumi.StringInput, role string, further []string) (pairs []label) {
	pairs = []label{
		{pulumi.String(topology.LabelStack), pulumi.String(stack)},
		{pulumi.String(topology.LabelOwner), owner},
		{pulumi.String(topology.LabelRole), pulumi.String(role)},
	}
	for i := 0; i < len(further); i += 2 {
		pairs = append(pairs, label{pulumi.String(further[i]), pulumi.String(further[i+1])})
	}
	return pairs
}

type label struct {
	key   pulumi.String
	value pulumi.StringInput
}

// containerLabels are the labels of a container.
func containerLabels(
	stack string, owner pulumi.StringInput, role string, further ...string,
) docker.ContainerLabelArray {
	var array docker.ContainerLabelArray
	for _, pair := range labels(stack, owner, role, further) {
		array = append(array, docker.ContainerLabelArgs{Label: pair.key, Value: pair.value})
	}
	return array
}

// attach attaches a container to the stack's network under a host name.
func attach(network pulumi.StringInput, host string) docker.ContainerNetworksAdvancedArray {
	return docker.ContainerNetworksAdvancedArray{docker.ContainerNetworksAdvancedArgs{
		Name:    network,
		Aliases: pulumi.ToStringArray([]string{host}),
	}}
}

// publish makes a container's port reachable at its host's address, or the stack's bind address.
func publish(cluster *topology.Cluster, host string, inside, outside int) docker.ContainerPortArgs {
	return docker.ContainerPortArgs{
		Internal: pulumi.Int(inside),
		External: pulumi.Int(outside),
		Ip:       pulumi.String(cluster.PublishAddress(host)),
	}
}

// publishAll makes ports of a container reachable.
func publishAll(
	cluster *topology.Cluster, host string, ports []topology.PublishedPort,
) docker.ContainerPortArray {
	var array docker.ContainerPortArray
	for _, p := range ports {
		array = append(array, publish(cluster, host, p.Inside, p.Outside))
	}
	return array
}

// file is a file that everybody can read.
func file(path, content string) docker.ContainerUploadArgs {
	return docker.ContainerUploadArgs{
		File:        pulumi.String(path),
		Permissions: pulumi.String("0444"),
		Content:     pulumi.String(content),
	}
}

// script is a file that everybody can execute.
func script(path, content string) docker.ContainerUploadArgs {
	f := file(path, content)
	f.Permissions = pulumi.String("0555")
	return f
}

// agentFile is the agent. The provider reads it from its source, which keeps it out of Pulumi's state.
func agentFile(agent agentbinary.Binary) docker.ContainerUploadArgs {
	return docker.ContainerUploadArgs{
		File:        pulumi.String(agentbinary.Path),
		Permissions: pulumi.String("0555"),
		Source:      pulumi.String(agent.Source),
		SourceHash:  pulumi.String(agent.Hash),
	}
}

// agentOr returns the agent for an engine, built in the project's folder, if it is not given.
func agentOr(
	ctx *pulumi.Context, docker engine.Client, agent *agentbinary.Binary,
) (*agentbinary.Binary, error) {
	if agent != nil {
		return agent, nil
	}
	info, err := docker.Info(ctx.Context())
	if err != nil {
		return nil, fmt.Errorf("ask the engine for its architecture: %w", err)
	}
	built, err := agentbinary.Build(ctx.Context(), ctx.RootDirectory(), info.Architecture)
	return &built, err
}

// helperArgs are what the containers that look after a cluster have in common.
func helperArgs(
	cluster *topology.Cluster, desired plan.Desired, agent agentbinary.Binary, secrets *SecretsArgs,
	name, host string, image, network pulumi.StringInput,
) *docker.ContainerArgs {
	return &docker.ContainerArgs{
		Name:        pulumi.String(name),
		Image:       image,
		Hostname:    pulumi.String(host),
		User:        pulumi.String("root"), // the agent drops to user rabbitmq once that user can read the files
		Entrypoints: pulumi.ToStringArray([]string{agentbinary.Path, "run"}),
		Envs:        desiredEnvironment(cluster, desired, render.ToolEnvironment(cluster)...),
		Uploads: append(interNodeOptions(cluster),
			secretFile(topology.CookiePath, secrets.cookie()),
			agentFile(agent),
		),
		NetworksAdvanced: attach(network, host),
		Healthcheck: &docker.ContainerHealthcheckArgs{
			// A check lasts until something changes, for an hour at most.
			Tests:    pulumi.ToStringArray([]string{"CMD", agentbinary.Path, "wait"}),
			Interval: duration(time.Second),
			Timeout:  duration(2 * time.Hour),
			Retries:  pulumi.Int(1),
		},
		Wait:         pulumi.Bool(true),
		MustRun:      mayStop,
		Restart:      pulumi.String("unless-stopped"),
		CpuShares:    helperShares,
		LogDriver:    pulumi.String(cluster.Logs.Driver),
		LogOpts:      pulumi.ToStringMap(cluster.Logs.Options),
		SecurityOpts: noNewPrivileges,
		Capabilities: rights.ServerAndTools(),
	}
}

// desiredEnvironment tells an agent what is desired, and how to log.
func desiredEnvironment(cluster *topology.Cluster, desired plan.Desired, more ...string) pulumi.StringArray {
	text, err := json.Marshal(desired)
	if err != nil {
		panic("component: " + err.Error()) // a Desired has nothing that JSON has not
	}
	if format := cluster.Logs.Format; format != topology.LogText {
		more = append(more, topology.LogFormatVariable, string(format))
	}
	return environment(append([]string{topology.DesiredVariable, string(text)}, more...)...)
}

// secretFile is a file that only root can read. `docker inspect` does not show it, and Pulumi's state has
// it encrypted because the content is a secret output.
func secretFile(path string, content pulumi.StringOutput) docker.ContainerUploadArgs {
	return docker.ContainerUploadArgs{
		File:        pulumi.String(path),
		Permissions: pulumi.String("0400"),
		Content:     content.ToStringPtrOutput(),
	}
}

// duration writes d as the Docker provider reads it back, so that a refresh finds no difference.
func duration(d time.Duration) pulumi.String { return pulumi.String(d.String()) }

func seconds(d time.Duration) pulumi.Int { return pulumi.Int(int(d.Seconds())) }

// mebibytes writes a size in bytes as the provider takes sizes. 0 is no limit, which the provider takes as
// nil.
func mebibytes(bytes int64) pulumi.IntPtrInput {
	if bytes == 0 {
		return nil
	}
	return pulumi.Int(int(bytes >> 20))
}

// environment returns variables, given as pairs of name and value, as Docker takes them.
func environment(pairs ...string) pulumi.StringArray {
	var env pulumi.StringArray
	for i := 0; i < len(pairs); i += 2 {
		env = append(env, pulumi.String(pairs[i]+"="+pairs[i+1]))
	}
	return env
}
