package component

import (
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/agent/plan"
	"warren/infra/explain"
	"warren/infra/survey"
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
// the formation. When the stack is destroyed, the formation is deleted before the nodes, and says farewell
// to them. By that they know that no other node will take over.
func newFormation(
	ctx *pulumi.Context, name string, args *ClusterArgs, at *place, opts ...pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster := args.Topology
	hooks, err := explain.Formation(ctx, args.Engine, cluster, name)
	if err != nil {
		return nil, err
	}
	desired := plan.Desired{
		Scope: plan.ScopeFormation, Nodes: survey.Nodes(cluster.Nodes), Users: cluster.ManagedUsers(),
	}
	container := helperArgs(cluster, desired, *at.agent, args.Secrets, cluster.FormationContainerName(),
		topology.FormationHost,
		at.image, at.network.Name)
	container.Hosts = foreignNames(cluster, cluster.FormationHostName())
	container.Uploads = append(container.Uploads.(docker.ContainerUploadArray),
		args.TLS.interNodeFiles(topology.FormationHost)...)
	if cluster.HasHosts() {
		container.Ports = docker.ContainerPortArray{
			publish(cluster, cluster.FormationHostName(), topology.FormationPort, topology.FormationPort),
		}
	}
	container.WaitTimeout = seconds(formationTimeout)
	container.Labels = containerLabels(cluster.Stack, args.Owner, topology.RoleFormation,
		topology.LabelGeneration, args.Found.FormationGeneration(cluster))
	return docker.NewContainer(ctx, name, container,
		append(opts, replaceInPlace, pulumi.ResourceHooks(hooks))...)
}
