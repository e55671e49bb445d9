package doctor

import (
	"warren/operate/health"
)

func loadBalancerDown(c *consultation, _ health.Problem) (string, []string) {
	balancer := c.Status.LoadBalancer.Container
	return "Clients that know only the load balancer are cut off; those that know the nodes are not.",
		[]string{logs(balancer), shell("docker", "start", balancer)}
}

// restartBalancer restarts the load balancer if what was seen lasts.
func (c *consultation) restartBalancer(lasts bool) []string {
	balancer := c.Status.LoadBalancer.Container
	fix := []string{logs(balancer), "# this closes the connections of all its clients, which connect again:", shell("docker", "restart", balancer)}
	if lasts {
		return append([]string{"# look again in some seconds; if it lasts:"}, fix...)
	}
	return fix
}

func serverDown(c *consultation, _ health.Problem) (string, []string) {
	return "Load balancer and cluster disagree: the node serves, and gets no clients. Its check fails, its " +
		"name leads to an old address, or the network between the two is cut. The load " +
		"balancer may also be about to notice.", c.restartBalancer(true)
}

func serverWronglyUp(c *consultation, _ health.Problem) (string, []string) {
	return "Load balancer and cluster disagree: the node does not serve, and is sent clients. The load " +
		"balancer is about to notice, or does not check.", c.restartBalancer(true)
}

func serverMissing(c *consultation, _ health.Problem) (string, []string) {
	return "The load balancer was configured for other nodes than the cluster has.", []string{c.up()}
}

func notSpread(c *consultation, _ health.Problem) (string, []string) {
	return "The load balancer takes the node as up and gives it no connections: others carry its load.", c.restartBalancer(false)
}

// watching is what does not happen while a helper is away.
const watching = "Clients are not affected now. But nobody looks after the cluster for the next " +
	"deployment: a node that has lost its replicas does not get them back, and a node that is stopped may " +
	"take the missing helpers for the end of the whole stack, and stop without draining. Restarting the " +
	"engine removes helpers, for example."

func helperMissing(c *consultation, _ health.Problem) (string, []string) {
	return watching, []string{"# until this is done, drain a node before you stop it (rabbitmq-upgrade drain)", c.up()}
}

func helperDown(c *consultation, p health.Problem) (string, []string) {
	if c.stateOfHelper(p.Subject) == "paused" {
		return watching, []string{shell("docker", "unpause", p.Subject)}
	}
	return watching, []string{logs(p.Subject), shell("docker", "start", p.Subject), "# if it does not stay up:", c.up()}
}

func helperUnhealthy(c *consultation, p health.Problem) (string, []string) {
	return "What the helper is to bring about is not there, or has been lost: its log says what. The next " +
		"deployment repairs it, or says why it can't.", []string{logs(p.Subject), c.up()}
}

func outputsIncomplete(c *consultation, _ health.Problem) (string, []string) {
	return "Whether the containers that look after the cluster are there can't be seen. `pulumi up` writes the outputs that are missing.",
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
