// Package component has Warren's Pulumi components: a RabbitMQ cluster with its load balancer on a Docker
// engine, for use in any Pulumi program.
//
//	cluster, err := component.NewCluster(ctx, "messages", &component.ClusterArgs{Topology: spec})
//	if err != nil {
//		return err
//	}
//	ctx.Export("amqpUrl", cluster.AMQPURL)
//
// Package topology says what a cluster is, this package which resources make it. The resources are those of
// Pulumi's Docker provider. A component is complete when the cluster works: each node is a running member
// with all its replicas online, and HAProxy runs with the cluster's configuration.
//
// On the first deployment all nodes start at once. Later changes roll: see package rollout.
package component

// The type tokens of the components.
const (
	ClusterType      = "warren:index:Cluster"
	NodeType         = "warren:index:Node"
	LoadBalancerType = "warren:index:LoadBalancer"
	MonitoringType   = "warren:index:Monitoring"
)
