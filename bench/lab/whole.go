package lab

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
)

// NewWholeCopy describes a copy of everything that a source consists of, with the containers that look after
// the cluster: what `pulumi up` makes.
func NewWholeCopy(ctx context.Context, source *cluster.Cluster, name string, firstPort int) (*Copy, error) {
	c, err := NewCopy(ctx, source, name, firstPort, "")
	if err != nil {
		return nil, err
	}
	c.whole = true
	return c, nil
}

// wholeStack are all containers of the source. HAProxy gets its configuration as in the source: from the
// container that has it.
func (c *Copy) wholeStack() []containerCopy {
	balancer := c.loadBalancer()
	balancer.folders = []string{topology.UploadPath}
	original := c.source.Outputs()
	copies := append(c.nodes(), balancer,
		c.helper(original.LoadBalancer.Config, c.outputs.LoadBalancer.Config, "",
			c.labels(topology.RoleLoadBalancerConfig, "")),
		c.helper(original.Formation, c.outputs.Formation, topology.FormationHost,
			c.labels(topology.RoleFormation, "")))
	for i, node := range c.cluster.Nodes {
		copies = append(copies, c.helper(original.Nodes[i].Membership, c.outputs.Nodes[i].Membership,
			topology.MembershipHost(node), c.labels(topology.RoleMembership, node.Name)))
	}
	return copies
}

// helper is a container that looks after something. One without an alias is on no network.
func (c *Copy) helper(from, name, alias string, labels map[string]string) containerCopy {
	return containerCopy{from: from, name: name, alias: alias, labels: labels,
		folders: []string{topology.UploadPath}}
}

// waitHealthy waits until containers are healthy, as `pulumi up` does. A node's own check comes seldom, and
// its membership says more.
func (c *Copy) waitHealthy(ctx context.Context, names []string) error {
	return wait.Within(ctx, BootTimeout, 100*time.Millisecond, "every container to be healthy",
		func(ctx context.Context) error {
			for i, name := range names {
				if c.copies[i].labels[topology.LabelRole] == topology.RoleNode {
					continue
				}
				inspected, err := c.docker.ContainerInspect(ctx, name)
				if err != nil {
					return err
				}
				if inspected.State.Health == nil || inspected.State.Health.Status != container.Healthy {
					return fmt.Errorf("%s is not healthy", name)
				}
			}
			return nil
		})
}
