package component

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"

	"warren/infra/engine/enginetest"
	"warren/infra/internal/pulumitest"
	"warren/topology"
	"warren/topology/stackconfig"
)

// TestWhatAChangeTouches tells which containers have other inputs after a change, and so what a deployment
// does.
func TestWhatAChangeTouches(t *testing.T) {
	const (
		nodes       = "rabbit1 rabbit2 rabbit3"
		memberships = "rabbit1-join rabbit2-join rabbit3-join"
	)
	for _, tc := range []struct {
		name          string
		before, after stackconfig.Config
		want          string
	}{
		{"a heartbeat", stackconfig.Config{}, stackconfig.Config{HeartbeatSeconds: 30}, nodes},
		{"a memory limit, which RabbitMQ has to know", stackconfig.Config{},
			stackconfig.Config{MemoryLimit: "2GiB"}, nodes},
		{"a line of rabbitmq.conf", stackconfig.Config{},
			stackconfig.Config{RabbitMQConf: "channel_max = 100"}, nodes},
		{"nodes that are added", stackconfig.Config{}, stackconfig.Config{Nodes: stackconfig.NodesConfig{Count: 5}},
			"formation haproxy-config " + memberships},
		{"a port of the load balancer", stackconfig.Config{},
			stackconfig.Config{Ports: stackconfig.PortsConfig{Stats: 9999}}, "haproxy"},
		{"how failures are detected", stackconfig.Config{},
			stackconfig.Config{FailureDetection: topology.DetectRelaxed},
			"haproxy-config " + nodes},
		{"a node's type", stackconfig.Config{Image: "rabbitmq:3.10"},
			stackconfig.Config{Image: "rabbitmq:3.10",
				NodeTypes: map[string]topology.NodeType{"rabbit2": topology.RAM}},
			"formation rabbit2-join"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			old := declare(t, &enginetest.Fake{}, tc.before).Of(pulumitest.Container)
			changed := declare(t, &enginetest.Fake{}, tc.after).Of(pulumitest.Container)
			var touched []string
			for _, name := range slices.Sorted(maps.Keys(old)) {
				if !reflect.DeepEqual(inputsOf(old[name]), inputsOf(changed[name])) {
					touched = append(touched, name)
				}
			}
			assert.ElementsMatch(t, strings.Fields(tc.want), touched)
		})
	}
}

func inputsOf(d pulumitest.Resource) any {
	return pulumitest.Plain(resource.NewObjectProperty(d.Inputs))
}
