package component

import (
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/explain"
	"warren/infra/node"
	"warren/topology"
)

// formationTimeout is how long the cluster has to become what the stack says. New replicas copy everything
// that is in their queues.
const formationTimeout = 15 * time.Minute

// newFormation declares that the cluster consists of the stack's nodes. A container makes that true once
// these are members: it gives queues and streams their replicas, removes other nodes from the cluster,
// enables feature flags that an upgrade brought, and then is healthy. If a node can't leave without a loss,
// the container says why and changes nothing.
//
// Pulumi deletes the containers of nodes that are no longer in the stack after everything else, hence after
// the formation. When the stack is destroyed, the formation is deleted before the nodes. By that they know
// that no other node will take over.
func newFormation(
	ctx *pulumi.Context, name string, args *ClusterArgs, image, network pulumi.StringInput,
	opts ...pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster := args.Topology
	hooks, err := explain.Formation(ctx, args.Engine, cluster, name)
	if err != nil {
		return nil, err
	}
	return docker.NewContainer(ctx, name, &docker.ContainerArgs{
		Name:        pulumi.String(cluster.FormationContainerName()),
		Image:       image,
		Hostname:    pulumi.String(topology.FormationHost),
		Entrypoints: pulumi.ToStringArray([]string{"bash", node.FormPath}),
		Envs:        environment("WARREN_NODES", node.Hosts(cluster)),
		Uploads: docker.ContainerUploadArray{
			secretFile(topology.CookiePath, args.Secrets.cookie()),
			script(node.FormPath, node.Form),
		},
		NetworksAdvanced: attach(network, topology.FormationHost),
		Healthcheck:      untilFile(node.FormedFile, node.RefusedFile),
		Wait:             pulumi.Bool(true),
		WaitTimeout:      seconds(formationTimeout),
		Rm:               pulumi.Bool(true),
		CpuShares:        helperShares,
		LogDriver:        logDriver,
		LogOpts:          logOptions,
		SecurityOpts:     noNewPrivileges,
		Labels:           containerLabels(cluster.Stack, topology.RoleFormation),
	}, append(opts, replaceInPlace, pulumi.ResourceHooks(hooks))...)
}
