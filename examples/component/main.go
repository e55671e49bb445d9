// Command component is somebody else's Pulumi program: a shop that puts Warren's RabbitMQ cluster beside
// resources of its own.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/config"

	"warren/infra/component"
	"warren/infra/engine"
	"warren/infra/preflight"
	"warren/infra/survey"
	"warren/topology"
	"warren/topology/stackconfig"
)

// orders is the program of the shop's service.
//
//go:embed orders.escript
var orders string

// Files in the service's container.
const (
	ordersPath    = "/usr/local/bin/orders"
	urlPath       = "/run/amqp-url"
	confirmedPath = "/run/confirmed"
)

func main() { pulumi.Run(shop) }

// shop declares the shop: the cluster and a service that publishes orders to it.
func shop(ctx *pulumi.Context) error {
	cluster, err := messages(ctx)
	if err != nil {
		return err
	}
	service, err := newOrders(ctx, cluster)
	if err != nil {
		return err
	}
	ctx.Export("orders", service.Name)
	ctx.Export("amqpUrl", cluster.AMQPURL)
	ctx.Export("managementUrl", cluster.ManagementURL)
	return nil
}

// messages declares the shop's cluster: three nodes with Warren's defaults, on ports that the stack may
// choose.
func messages(ctx *pulumi.Context) (*component.Cluster, error) {
	settings := stackconfig.Config{MemoryLimit: "512MiB"}
	if err := config.New(ctx, "").GetObject("ports", &settings.Ports); err != nil {
		return nil, err
	}
	spec, err := stackconfig.New("shop-"+ctx.Stack(), settings)
	if err != nil {
		return nil, err
	}
	docker, err := engine.Connect(config.Get(ctx, "docker:host"))
	if err != nil {
		return nil, err
	}
	// What would make the deployment fail halfway, or lose anything, is reported before anything is touched.
	// The component keeps the Erlang cookie, and who owns the cluster, in the stack's state.
	last, err := survey.LastOf(ctx)
	if err != nil {
		return nil, err
	}
	found, err := survey.Look(ctx.Context(), docker, spec, last)
	if err != nil {
		return nil, err
	}
	const cookie, owner = "", ""
	if err := preflight.Check(ctx.Context(), docker, spec, found,
		survey.Desired(spec, cookie, owner)); err != nil {
		return nil, err
	}
	return component.NewCluster(ctx, "messages", &component.ClusterArgs{
		Topology: spec, Engine: docker, Found: found,
	})
}

// newOrders declares the service. Its container is on the cluster's network and starts once the cluster is
// formed, because it uses the cluster's URL. `pulumi up` succeeds when the cluster has confirmed the first
// order.
func newOrders(ctx *pulumi.Context, cluster *component.Cluster) (*docker.Container, error) {
	// The RabbitMQ image has Erlang and RabbitMQ's client. Its plugins are here in the official image, and
	// there in Debian's package.
	const libraries = "ERL_LIBS=/opt/rabbitmq/plugins:$(echo /usr/lib/rabbitmq/lib/rabbitmq_server-*/plugins)"
	image, err := docker.NewRemoteImage(ctx, "orders-image", &docker.RemoteImageArgs{
		Name:        pulumi.String(topology.DefaultImage),
		KeepLocally: pulumi.Bool(true),
	})
	if err != nil {
		return nil, err
	}
	return docker.NewContainer(ctx, "orders", &docker.ContainerArgs{
		Name:  pulumi.String("shop-" + ctx.Stack() + "-orders"),
		Image: image.ImageId,
		Entrypoints: pulumi.ToStringArray([]string{
			"sh", "-c", libraries + " exec escript " + ordersPath + " " + urlPath + " " + confirmedPath,
		}),
		Uploads: docker.ContainerUploadArray{
			docker.ContainerUploadArgs{File: pulumi.String(ordersPath), Content: pulumi.String(orders)},
			// A secret goes into a file: the environment of a container is shown by `docker inspect`.
			docker.ContainerUploadArgs{
				File:        pulumi.String(urlPath),
				Content:     cluster.InternalAMQPURL.ToStringPtrOutput(),
				Permissions: pulumi.String("0400"),
			},
		},
		NetworksAdvanced: docker.ContainerNetworksAdvancedArray{
			docker.ContainerNetworksAdvancedArgs{Name: cluster.Network.Name},
		},
		Healthcheck: &docker.ContainerHealthcheckArgs{
			Tests:    pulumi.ToStringArray([]string{"CMD", "test", "-e", confirmedPath}),
			Interval: pulumi.String("1s"),
		},
		Wait:        pulumi.Bool(true),
		WaitTimeout: pulumi.Int(120),
		Restart:     pulumi.String("unless-stopped"),
	}, pulumi.DeleteBeforeReplace(true))
}
