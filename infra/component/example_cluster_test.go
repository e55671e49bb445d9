//go:build cluster

package component

import (
	"context"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livestack"
)

// TestClusterInSomebodyElsesStack deploys the example, whose service has published an order when it is up.
func TestClusterInSomebodyElsesStack(t *testing.T) {
	s := livestack.NewExample(t, "component", "shop")
	service := s.Cluster + "-orders"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = s.Docker.ContainerRemove(ctx, service, container.RemoveOptions{Force: true}) // if the test failed
	})
	up, err := s.Up(t.Context())
	require.NoError(t, err)

	t.Log("the outputs lead to the cluster, and the service publishes")
	url := up.Outputs["amqpUrl"]
	assert.True(t, url.Secret)
	connection, err := amqp.DialConfig(url.Value.(string), amqp.Config{Dial: amqp.DefaultDial(10 * time.Second)})
	require.NoError(t, err)
	defer connection.Close()
	channel, err := connection.Channel()
	require.NoError(t, err)
	delivery, found, err := channel.Get("orders", true)
	require.NoError(t, err)
	require.True(t, found, "an order")
	assert.Equal(t, "one book", string(delivery.Body))

	t.Log("a second deployment changes nothing")
	up, err = s.Up(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"same"}, names(*up.Summary.ResourceChanges))

	t.Log("destroying leaves nothing")
	s.Destroy()
	s.NothingLeft()
	_, err = s.Docker.ContainerInspect(t.Context(), service)
	assert.ErrorContains(t, err, "No such container")
}
