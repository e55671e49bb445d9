package doctor

import (
	"warren/operate/health"
	"warren/topology/meaning"
)

func certificateFails(c *consultation, _ health.Problem) (string, []string) {
	return meaning.CertificateFails,
		[]string{
			"# if warren:tlsCertificate is set:",
			shell("pulumi", "config", "set", "--secret", "--stack", c.Stack, "warren:tlsCertificate") + " <chain.pem",
			shell("pulumi", "config", "set", "--secret", "--stack", c.Stack, "warren:tlsKey") + " <key.pem",
			"# in any case:",
			c.up(),
		}
}
