package render_test

import (
	"encoding/base64"
	"regexp"
	"testing"

	"warren/topology"
	"warren/topology/internal/sample"
	"warren/topology/render"
	"warren/topology/stackconfig"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHAProxyQuote(t *testing.T) {
	assert.Equal(t, `'a b"$x\'`, render.HAProxyQuote(`a b"$x\`))
	assert.Equal(t, `'it'\''s'`, render.HAProxyQuote("it's"))
	assert.Equal(t, `''`, render.HAProxyQuote(""))
}

func TestTheStatisticsPageNeedsAPasswordAndAdministersNothing(t *testing.T) {
	c, err := stackconfig.New("dev", stackconfig.Config{})
	require.NoError(t, err)
	conf := render.HAProxyConf(c.Balancers()[0], topology.Secrets{AdminPassword: "a", StatsPassword: "s"})
	assert.Contains(t, conf, "stats auth 'admin:s'")
	assert.NotContains(t, conf, "stats admin")
}

// While another administrator or password is rolled out, HAProxy's checks succeed at every node.
func TestTheManagementCheckDoesNotDependOnTheAdministrator(t *testing.T) {
	before, err := stackconfig.New("dev", stackconfig.Config{})
	require.NoError(t, err)
	after, err := stackconfig.New("dev", stackconfig.Config{Username: "operator"})
	require.NoError(t, err)
	check := regexp.MustCompile(`(?m)^    http-check send .* Authorization 'Basic (.*)'$`)
	old := check.FindStringSubmatch(render.HAProxyConf(before.Balancers()[0], sample.Secrets))
	changed := sample.Secrets
	changed.AdminPassword = "another"
	require.NotNil(t, old)
	assert.Equal(t, old, check.FindStringSubmatch(render.HAProxyConf(after.Balancers()[0], changed)))
	credentials, err := base64.StdEncoding.DecodeString(old[1])
	require.NoError(t, err)
	assert.Equal(t, "warren-haproxy:"+sample.Secrets.LoadBalancerPassword(), string(credentials))
}

func TestTheManagementCheckFitsTheSeries(t *testing.T) {
	for image, path := range map[string]string{
		"rabbitmq:3.13": "/api/health/checks/port-listener/5672",
		"rabbitmq:4.0":  "/api/health/checks/port-listener/5672",
		"rabbitmq:4.1":  "/api/health/checks/is-in-service",
		"rabbitmq:4.3":  "/api/health/checks/is-in-service",
	} {
		c, err := stackconfig.New("dev", stackconfig.Config{Image: image})
		require.NoError(t, err)
		assert.Contains(t, render.HAProxyConf(c.Balancers()[0], sample.Secrets),
			"http-check send meth GET uri "+path+" hdr Authorization 'Basic ", image)
	}
}
