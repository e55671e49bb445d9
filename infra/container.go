package main

import (
	"fmt"
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/topology"
)

// What all containers have in common.

var (
	// replaceInPlace deletes a container before its replacement is created: both would have the same name and ports.
	replaceInPlace = pulumi.DeleteBeforeReplace(true)
	// logDriver is named, because the options below are this driver's, and the engine's default may be another.
	logDriver = pulumi.String("json-file")
	// logOptions bound the log, which grows for ever otherwise.
	logOptions = pulumi.StringMap{"max-size": pulumi.String("10m"), "max-file": pulumi.String("3")}
	// helperShares is the weight of a container that looks after a node, where a node's is Docker's 1024. Its command line tools, each an Erlang
	// machine, run just when a node comes back and all nodes are busy; they should take longer rather than the others' confirms.
	helperShares = pulumi.Int(256)
	// noNewPrivileges: what has dropped root's rights can't get them back.
	noNewPrivileges = pulumi.ToStringArray([]string{"no-new-privileges:true"})
)

// labels say which stack and which part of it a container or a volume is, with further pairs of key and value.
func labels(stack, role string, further ...string) docker.ContainerLabelArray {
	pairs := append([]string{labelStack, stack, labelRole, role}, further...)
	var l docker.ContainerLabelArray
	for i := 0; i < len(pairs); i += 2 {
		l = append(l, docker.ContainerLabelArgs{Label: pulumi.String(pairs[i]), Value: pulumi.String(pairs[i+1])})
	}
	return l
}

// attach joins a container to the stack's network under a host name.
func attach(network pulumi.StringInput, host string) docker.ContainerNetworksAdvancedArray {
	return docker.ContainerNetworksAdvancedArray{docker.ContainerNetworksAdvancedArgs{
		Name:    network,
		Aliases: pulumi.ToStringArray([]string{host}),
	}}
}

// publish makes a container's port reachable at the stack's bind address.
func publish(cluster *topology.Cluster, inside, outside int) docker.ContainerPortArgs {
	return docker.ContainerPortArgs{
		Internal: pulumi.Int(inside),
		External: pulumi.Int(outside),
		Ip:       pulumi.String(cluster.BindAddress),
	}
}

// file is a file for everybody to read.
func file(path, content string) docker.ContainerUploadArgs {
	return docker.ContainerUploadArgs{
		File:        pulumi.String(path),
		Permissions: pulumi.String("0444"),
		Content:     pulumi.String(content),
	}
}

// script is a file for everybody to execute.
func script(path, content string) docker.ContainerUploadArgs {
	f := file(path, content)
	f.Permissions = pulumi.String("0555")
	return f
}

// secretFile is a file that only root can read. `docker inspect` does not show it, and Pulumi's state has it encrypted.
func secretFile(path, content string) docker.ContainerUploadArgs {
	f := file(path, content)
	f.Permissions = pulumi.String("0400")
	f.Content = pulumi.ToSecret(pulumi.String(content)).(pulumi.StringOutput).ToStringPtrOutput()
	return f
}

// duration writes d as the Docker provider reads it back, so that a refresh finds no difference.
func duration(d time.Duration) pulumi.String { return pulumi.String(d.String()) }

func seconds(d time.Duration) pulumi.Int { return pulumi.Int(int(d.Seconds())) }

// mebibytes writes a size in bytes as the provider takes sizes. There is no limit of zero: nil is none.
func mebibytes(bytes int64) pulumi.IntPtrInput {
	if bytes == 0 {
		return nil
	}
	return pulumi.Int(int(bytes >> 20))
}

// environment returns the settings as Docker takes them.
func environment(pairs ...string) pulumi.StringArray {
	var env pulumi.StringArray
	for i := 0; i < len(pairs); i += 2 {
		env = append(env, pulumi.String(fmt.Sprintf("%s=%s", pairs[i], pairs[i+1])))
	}
	return env
}
