package cluster

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func decode(t *testing.T, text string) Queue {
	t.Helper()
	var record listed
	require.NoError(t, json.Unmarshal([]byte(text), &record))
	return record.queue()
}

func TestQuorumQueueFromTheManagementAPI(t *testing.T) {
	queue := decode(t,
		`{"name":"ha_queue","vhost":"/","type":"quorum","state":"running","exclusive":null,"leader":"rabbit@b",
		"members":["rabbit@c","rabbit@b","rabbit@a"],"online":["rabbit@c","rabbit@b"],"messages":7,
		"arguments":{"x-quorum-initial-group-size":5}}`)
	assert.Equal(t, []string{"rabbit@a", "rabbit@b", "rabbit@c"}, queue.Members)
	assert.Equal(t, []string{"rabbit@b", "rabbit@c"}, queue.Online)
	assert.Equal(t, 5, queue.GroupSize)
	assert.Equal(t, 7, queue.Messages)
}

func TestHowManyReplicasAQueueAsksFor(t *testing.T) {
	for text, want := range map[string]int{
		`{"type":"quorum"}`: 3,
		`{"type":"stream"}`: 3,
		`{"type":"stream","arguments":{"x-initial-cluster-size":2}}`:                                     2,
		`{"type":"quorum","arguments":{"x-quorum-initial-group-size":3,"x-quorum-target-group-size":5}}`: 5,
		`{"type":"quorum","arguments":{"x-quorum-initial-group-size":3},
			"effective_policy_definition":{"target-group-size":7}}`: 7,
		`{"type":"classic","node":"rabbit@a","state":"running"}`: 1,
	} {
		assert.Equal(t, want, decode(t, text).GroupSize, text)
	}
}

func TestClassicQueueIsWhereItsNodeIs(t *testing.T) {
	queue := decode(t, `{"type":"classic","node":"rabbit@b","state":"down","online":null}`)
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
