package topology_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"warren/topology"
	"warren/topology/internal/sample"
	"warren/topology/stackconfig"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOutputsHaveTheContractsKeys(t *testing.T) {
	c, err := stackconfig.New("dev", stackconfig.Config{})
	require.NoError(t, err)
	text, err := json.Marshal(c.Outputs(sample.Secrets))
	require.NoError(t, err)
	var keys map[string]any
	require.NoError(t, json.Unmarshal(text, &keys))
	assert.Equal(t, []string{
		"amqpUrl", "amqpUrls", "application", "balancedAmqpUrls", "formation", "loadBalancer", "loadBalancers",
		"managementUrl", "network", "nodes", "owner", "password",
		"rabbitmqSeries", "stack", "statsPassword", "statsUrl", "username", "users",
	}, slices.Sorted(maps.Keys(keys)))
	assert.Equal(t, map[string]any{
		"name": "rabbit2", "nodeName": "rabbit@rabbit2", "container": "warren-dev-rabbit2", "type": "disc",
		"amqpPort": 5673.0, "managementPort": 15673.0, "membership": "warren-dev-rabbit2-join",
	}, keys["nodes"].([]any)[1])
	assert.Equal(t, map[string]any{
		"container": "warren-dev-haproxy", "config": "warren-dev-haproxy-config",
		"amqpPort": 5671.0, "managementPort": 15671.0, "statsPort": 8404.0,
	}, keys["loadBalancer"])
	assert.Equal(t, []any{keys["loadBalancer"]}, keys["loadBalancers"])
	assert.Equal(t, "dev", keys["stack"])
	assert.Equal(t, "warren-dev-formation", keys["formation"])
	assert.Equal(t, "warren-dev", keys["network"])
	assert.Equal(t, "http://127.0.0.1:15671", keys["managementUrl"])
	assert.Equal(t, "http://127.0.0.1:8404/stats", keys["statsUrl"])
	assert.Equal(t, "4.3", keys["rabbitmqSeries"])
}

func TestAMQPURLsMeanWhatTheySay(t *testing.T) {
	for _, password := range []string{"simple", `p:a@s/s?w#o%r&d ä"'\`, "%2F", "://@"} {
		c, err := stackconfig.New("dev", stackconfig.Config{})
		require.NoError(t, err)
		out := c.Outputs(topology.Secrets{AdminPassword: password})
		require.Len(t, out.AMQPURLs, 3)
		urls := map[int]string{5671: out.AMQPURL, 5672: out.AMQPURLs[0], 5674: out.AMQPURLs[2]}
		for port, text := range urls {
			uri, err := amqp.ParseURI(text)
			require.NoError(t, err)
			assert.Equal(t, "admin", uri.Username)
			assert.Equal(t, password, uri.Password)
			assert.Equal(t, "127.0.0.1", uri.Host)
			assert.Equal(t, port, uri.Port)
			assert.Equal(t, "/", uri.Vhost)
		}
		uri, err := amqp.ParseURI(c.InternalAMQPURL(topology.Secrets{AdminPassword: password}))
		require.NoError(t, err)
		assert.Equal(t, amqp.URI{
			Scheme: "amqp", Host: topology.LoadBalancerHost, Port: topology.AMQPPort,
			Username: "admin", Password: password, Vhost: "/",
		}, uri)
	}
}

func TestURLsLeadToAnAddressThatCanBeConnectedTo(t *testing.T) {
	for bind, want := range map[string]string{
		"0.0.0.0": "http://127.0.0.1:15671", "::": "http://[::1]:15671", "::1": "http://[::1]:15671",
		"192.0.2.7": "http://192.0.2.7:15671",
	} {
		c, err := stackconfig.New("dev", stackconfig.Config{BindAddress: bind})
		require.NoError(t, err)
		assert.Equal(t, want, c.Outputs(sample.Secrets).ManagementURL)
	}
}

func TestNamesCarryTheStack(t *testing.T) {
	c, err := stackconfig.New("dev", stackconfig.Config{})
	require.NoError(t, err)
	n := c.Nodes[0]
	assert.Equal(t, "warren-dev", c.NetworkName())
	assert.Equal(t, "warren-dev-rabbit1", c.ContainerName(n))
	assert.Equal(t, "warren-dev-rabbit1-data", c.VolumeName(n))
	assert.Equal(t, "warren-dev-rabbit1-join", c.MembershipContainerName(n))
	assert.Equal(t, "warren-dev-haproxy", c.LoadBalancerContainerName())
	assert.Equal(t, "rabbit@rabbit1", n.NodeName())
}

// The application's endpoints are for applications. What works on the stack itself is the administrator.
func TestEndpointsOfUsers(t *testing.T) {
	c, err := stackconfig.New("dev", stackconfig.Config{TLS: topology.TLSRequired})
	require.NoError(t, err)
	admin := c.Outputs(topology.Secrets{AdminPassword: "admin's"})
	admin.Users = map[string]topology.UserOutput{"app": c.UserOutput("app", "p@ss", "shop")}
	app := admin.AsUser(c, "app", "shop")
	assert.Equal(t, "amqps://app:p%40ss@127.0.0.1:5771/shop", app.AMQPURL)
	assert.Equal(t, []string{app.AMQPURL}, app.BalancedAMQPURLs)
	assert.Equal(t, "amqps://app:p%40ss@127.0.0.1:5773/shop", app.AMQPURLs[1])
	assert.Equal(t, "admin's", app.Password, "people log in as before")
	assert.Equal(t, admin, app.AsAdministrator())
	assert.Equal(t, admin, admin.AsAdministrator())
	assert.Empty(t, topology.Outputs{}.AsAdministrator().AMQPURL)
}
