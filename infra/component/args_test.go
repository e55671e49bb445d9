package component

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine/enginetest"
	"warren/infra/internal/pulumitest"
	"warren/topology"
)

func TestTwoClustersInOneProgram(t *testing.T) {
	r := run(t, func(ctx *pulumi.Context) error {
		for _, name := range []string{"orders", "payments"} {
			if _, err := NewCluster(ctx, name,
				&ClusterArgs{Engine: &enginetest.Fake{}, Agent: testAgent}); err != nil {
				return err
			}
		}
		return nil
	})
	assert.ElementsMatch(t, []string{"orders-network", "payments-network"}, names(r.Of(pulumitest.Network)))
	containers := r.Of(pulumitest.Container)
	assert.Len(t, containers, 2*9)
	assert.Equal(t, "warren-warren-test-orders-rabbit1",
		containers["orders-rabbit1"].Inputs["name"].StringValue())
	assert.Equal(t, []string{"explain-payments-rabbit1"}, containers["payments-rabbit1-join"].OnError)
}

func TestClusterArgsMayBeLeftOut(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse battery staple")
	t.Setenv("DOCKER_HOST", "unix:///no/such/engine")
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := NewCluster(ctx, "orders", nil)
		return err
	}, pulumitest.WithRecorder(&pulumitest.Recorder{}))
	require.ErrorContains(t, err, "list the containers of stack warren-test-orders")
	assert.ErrorContains(t, err, "unix:///no/such/engine", "the engine of the environment is asked")
}

func TestRequiredArgs(t *testing.T) {
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		_, err := NewNode(ctx, "rabbit1", nil)
		assert.ErrorContains(t, err, "NodeArgs needs Topology, Node, Secrets, Owner, Image and Network")
		_, err = NewLoadBalancer(ctx, "haproxy", &LoadBalancerArgs{})
		assert.ErrorContains(t, err, "LoadBalancerArgs needs Topology, Secrets, Owner and Network")
		return nil
	}, pulumitest.WithRecorder(&pulumitest.Recorder{}))
	require.NoError(t, err)
}

// A secret may be the output of another resource, so that it is known only during the deployment.
func TestSecretsMayBeOutputs(t *testing.T) {
	deploy := func(cookie string) (urls []string, err error) {
		t.Setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse battery staple")
		err = pulumi.RunErr(func(ctx *pulumi.Context) error {
			c, err := NewCluster(ctx, "orders", &ClusterArgs{Engine: &enginetest.Fake{}, Agent: testAgent,
				Secrets: &SecretsArgs{
					AdminPassword: pulumi.String("s3cret").ToStringOutput(),
					ErlangCookie:  pulumi.String(cookie).ToStringOutput(),
				}})
			if err != nil {
				return err
			}
			pulumi.All(c.AMQPURL, c.AMQPURLs, c.InternalAMQPURL, c.ManagementURL).ApplyT(func(values []any) error {
				urls = append(values[1].([]string), values[0].(string), values[2].(string), values[3].(string))
				return nil
			})
			for _, url := range []pulumi.Output{c.AMQPURL, c.AMQPURLs, c.InternalAMQPURL} {
				assert.True(t, pulumi.IsSecret(url))
			}
			assert.False(t, pulumi.IsSecret(c.ManagementURL))
			return nil
		}, pulumitest.WithRecorder(&pulumitest.Recorder{}))
		return urls, err
	}
	urls, err := deploy("cookie")
	require.NoError(t, err)
	assert.Equal(t, []string{
		"amqp://admin:s3cret@127.0.0.1:5672/%2F", "amqp://admin:s3cret@127.0.0.1:5673/%2F",
		"amqp://admin:s3cret@127.0.0.1:5674/%2F", "amqp://admin:s3cret@127.0.0.1:5671/%2F",
		"amqp://admin:s3cret@" + topology.LoadBalancerHost + ":5672/%2F", "http://127.0.0.1:15671",
	}, urls)

	_, err = deploy("a cookie; with blanks")
	assert.ErrorContains(t, err, "warren:erlangCookie contains a character")
}
