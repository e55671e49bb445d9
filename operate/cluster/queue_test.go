package cluster

import (
	"testing"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"
	"github.com/stretchr/testify/assert"
)

func TestQuorumQueueFromTheManagementAPI(t *testing.T) {
	queue := newQueue(rabbithole.QueueInfo{
		Name: "ha_queue", Vhost: "/", Type: "quorum", Status: "running", Leader: "rabbit@b",
		Members: []string{"rabbit@c", "rabbit@b", "rabbit@a"}, Online: []string{"rabbit@c", "rabbit@b"},
		Arguments: map[string]any{"x-quorum-initial-group-size": float64(5)},
	})
	assert.Equal(t, []string{"rabbit@a", "rabbit@b", "rabbit@c"}, queue.Members)
	assert.Equal(t, []string{"rabbit@b", "rabbit@c"}, queue.Online)
	assert.Equal(t, 5, queue.GroupSize)
}

func TestQuorumQueueHasThreeReplicasUnlessItAsksForOthers(t *testing.T) {
	assert.Equal(t, 3, newQueue(rabbithole.QueueInfo{Type: "quorum"}).GroupSize)
}

func TestClassicQueueIsWhereItsNodeIs(t *testing.T) {
	queue := newQueue(rabbithole.QueueInfo{Type: "classic", Node: "rabbit@b", Status: "down"})
	assert.Equal(t, "rabbit@b", queue.Leader)
	assert.Equal(t, []string{"rabbit@b"}, queue.Members)
	assert.Empty(t, queue.Online)
}

func TestQueueIsNamedWithItsVHostUnlessThatIsTheDefault(t *testing.T) {
	assert.Equal(t, "q", Queue{VHost: "/", Name: "q"}.String())
	assert.Equal(t, "orders q", Queue{VHost: "orders", Name: "q"}.String())
}

func TestAgreed(t *testing.T) {
	a, b, none := Queue{Leader: "rabbit@a"}, Queue{Leader: "rabbit@b"}, Queue{}
	for _, test := range []struct {
		accounts []Queue
		want     string
	}{
		{[]Queue{a, a, a}, "rabbit@a"},
		{[]Queue{a, b, b}, "rabbit@b"}, // a is cut off, and names itself
		{[]Queue{b, none, b}, "rabbit@b"},
		{[]Queue{a, b, none}, ""},
		{[]Queue{none, none, none}, ""},
		{[]Queue{a, b, a, b}, ""},
		{[]Queue{a}, "rabbit@a"},
		{nil, ""},
	} {
		assert.Equal(t, test.want, agreed(test.accounts), test.accounts)
	}
}
