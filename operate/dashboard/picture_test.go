package dashboard

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
)

func TestThePictureSaysWhoReachesWhom(t *testing.T) {
	node := func(name string, sees ...string) health.NodeStatus {
		n := health.NodeStatus{
			NodeOutput: topology.NodeOutput{Name: name, NodeName: "rabbit@" + name},
			State:      "running", AMQP: true, MemoryUsed: 50, MemoryLimit: 200,
		}
		for _, other := range sees {
			n.Running = append(n.Running, "rabbit@"+other)
		}
		return n
	}
	gone := health.NodeStatus{
		NodeOutput: topology.NodeOutput{Name: "rabbit3", NodeName: "rabbit@rabbit3"}, State: "exited",
		Error: "exited",
	}
	picture := Draw(health.Status{
		Nodes: []health.NodeStatus{node("rabbit1", "rabbit1", "rabbit2"),
			node("rabbit2", "rabbit1", "rabbit2"), gone},
		LoadBalancer: health.LoadBalancerStatus{
			LoadBalancerOutput: topology.LoadBalancerOutput{Container: "warren-dev-haproxy"}, State: "running",
			Servers: []cluster.Server{
				{Proxy: "amqp", Name: "rabbit1-minority", Status: "UP"},
				{Proxy: "amqp", Name: "rabbit1", Status: "UP"}, {Proxy: "amqp", Name: "rabbit3", Status: "DOWN"},
				{Proxy: "management", Name: "rabbit2", Status: "UP"},
			},
		},
	})
	assert.Equal(t, Node{Name: "rabbit1", State: "serving", Good: true, Memory: 0.25,
		Peers: []string{"rabbit2"}}, picture.Nodes[0])
	assert.Equal(t, Node{Name: "rabbit3", State: "exited", Peers: []string{}}, picture.Nodes[2])
	assert.Equal(t, []Balancer{{Name: "haproxy", State: "running", Good: true, Servers: []string{"rabbit1"}}},
		picture.Balancers)
	assert.NotEmpty(t, picture.Problems)
}

func TestANodeThatServesNobodySaysWhy(t *testing.T) {
	serving := health.NodeStatus{State: "running", AMQP: true}
	for want, change := range map[string]func(*health.NodeStatus){
		"serving":          func(*health.NodeStatus) {},
		"paused":           func(n *health.NodeStatus) { n.State = "paused" },
		"drained":          func(n *health.NodeStatus) { n.Drained = true },
		"memory alarm":     func(n *health.NodeStatus) { n.MemoryAlarm = true },
		"disk alarm":       func(n *health.NodeStatus) { n.DiskAlarm = true },
		"takes no clients": func(n *health.NodeStatus) { n.AMQP = false },
		"does not answer":  func(n *health.NodeStatus) { n.Error = "timeout" },
	} {
		n := serving
		change(&n)
		state, good := stateOf(n)
		assert.Equal(t, want, state)
		assert.Equal(t, want == "serving", good)
	}
}
