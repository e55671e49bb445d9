//go:build cluster

package clients

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"

	"warren/topology"
)

// outputsFile names the environment variable with the path of a JSON file of the outputs of the stack to test against.
const outputsFile = "WARREN_TEST_OUTPUTS"

// readOutputs returns the outputs of the stack to test against.
func readOutputs(t testing.TB) topology.Outputs {
	t.Helper()
	path := os.Getenv(outputsFile)
	require.NotEmpty(t, path, "set %s to a file with the JSON outputs of a running stack", outputsFile)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var outputs topology.Outputs
	require.NoError(t, json.Unmarshal(data, &outputs))
	return outputs
}

// dialBroker connects with the bare library, for what a test needs besides the clients under test.
func dialBroker(t testing.TB, uri string) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(uri)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	ch, err := conn.Channel()
	require.NoError(t, err)
	return ch
}

// declareQueue declares a quorum queue of the test's own, and deletes it in the end.
func declareQueue(t testing.TB, uri string, args amqp.Table) string {
	t.Helper()
	name := fmt.Sprintf("%s-%d", t.Name(), time.Now().UnixNano())
	all := amqp.Table{"x-queue-type": "quorum", "x-quorum-initial-group-size": 3}
	maps.Copy(all, args)
	_, err := dialBroker(t, uri).QueueDeclare(name, true, false, false, false, all)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := dialBroker(t, uri).QueueDelete(name, false, false, false)
		require.NoError(t, err)
	})
	return name
}
