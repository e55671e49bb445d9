package doctor

import "warren/operate/health"

func certificateFails(c *consultation, _ health.Problem) (string, []string) {
	return "When a certificate ends, or does not fit, clients refuse to connect; those that are connected " +
			"stay. A deployment hands every node and load balancer its certificate, and renews them in good time. " +
			"It restarts no node and closes no connection. A certificate of your own must first be replaced in the " +
			"configuration.",
		[]string{
			"# if warren:tlsCertificate is set:",
			shell("pulumi", "config", "set", "--secret", "--stack", c.Stack, "warren:tlsCertificate") + " <chain.pem",
			shell("pulumi", "config", "set", "--secret", "--stack", c.Stack, "warren:tlsKey") + " <key.pem",
			"# in any case:",
			c.up(),
		}
}
