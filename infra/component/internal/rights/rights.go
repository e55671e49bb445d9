// Package rights has what containers keep of root's rights.
package rights

import (
	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// ServerAndTools are those of a container whose first process begins as root: it gives files to the user that
// the server runs as and becomes that user, as rabbitmqctl does when root runs it. CAP_KILL lets HAProxy's
// master, and an operator who enters the container as root, end a process.
func ServerAndTools() docker.ContainerCapabilitiesArgs {
	return docker.ContainerCapabilitiesArgs{
		Drops: pulumi.ToStringArray([]string{"ALL"}),
		Adds: pulumi.ToStringArray([]string{
			"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_SETGID", "CAP_SETUID",
		}),
	}
}

// None are those of what runs as nobody.
func None() docker.ContainerCapabilitiesArgs {
	return docker.ContainerCapabilitiesArgs{Drops: pulumi.ToStringArray([]string{"ALL"})}
}
