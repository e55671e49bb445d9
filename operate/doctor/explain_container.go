package doctor

import (
	"warren/operate/health"
	"warren/topology/meaning"
)

func loadBalancerDown(c *consultation, _ health.Problem) (string, []string) {
	balancer := c.Status.LoadBalancer.Container
	return meaning.LoadBalancerDown,
		[]string{logs(balancer), shell("docker", "start", balancer)}
}

// restartBalancer restarts the load balancer if what was seen lasts.
func (c *consultation) restartBalancer(lasts bool) []string {
	balancer := c.Status.LoadBalancer.Container
	fix := []string{logs(balancer), "# this closes the connections of all its clients, which connect again:",
		shell("docker", "restart", balancer)}
	if lasts {
		return append([]string{"# look again in some seconds; if it lasts:"}, fix...)
	}
	return fix
}

func serverDown(c *consultation, _ health.Problem) (string, []string) {
	return meaning.ServerDown, c.restartBalancer(true)
}

func serverWronglyUp(c *consultation, _ health.Problem) (string, []string) {
	return "Load balancer and cluster disagree: the node does not serve, and is sent clients. The load " +
		"balancer is about to notice, or does not check.", c.restartBalancer(true)
}

func serverMissing(c *consultation, _ health.Problem) (string, []string) {
	return "The load balancer was configured for other nodes than the cluster has.", []string{c.up()}
}

func notSpread(c *consultation, _ health.Problem) (string, []string) {
	return "The load balancer takes the node as up and gives it no connections: others carry " +
		"its load.", c.restartBalancer(false)
}

func helperMissing(c *consultation, _ health.Problem) (string, []string) {
	return meaning.HelperGone, []string{"# until this is done, drain a node before you stop it " +
		"(rabbitmq-upgrade drain)", c.up()}
}

func helperDown(c *consultation, p health.Problem) (string, []string) {
	if c.stateOfHelper(p.Subject) == "paused" {
		return meaning.HelperGone, []string{shell("docker", "unpause", p.Subject)}
	}
	return meaning.HelperGone, []string{logs(p.Subject), shell("docker", "start", p.Subject),
		"# if it does not stay up:", c.up()}
}

func helperUnhealthy(c *consultation, p health.Problem) (string, []string) {
	return meaning.HelperUnhealthy, []string{logs(p.Subject), c.up()}
}

func outputsIncomplete(c *consultation, _ health.Problem) (string, []string) {
	return "Whether the containers that look after the cluster are there can't be seen. `pulumi up` writes " +
			"the outputs that are missing.",
		[]string{c.up()}
}

func (c *consultation) stateOfHelper(container string) string {
	for _, helper := range c.Status.Helpers {
		if helper.Container == container {
			return helper.State
		}
	}
	return ""
}
