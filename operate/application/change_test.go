package application

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
	definition "warren/topology/application"
	"warren/topology/application/appfile"
)

func parse(t *testing.T, file string) *definition.Application {
	t.Helper()
	app, err := appfile.Parse(appfile.Target{
		Series: topology.NewestSeries, Plugins: []string{"rabbitmq_federation", "rabbitmq_shovel"},
	}, appfile.Source{Name: "app.yaml", Text: []byte(file)})
	require.NoError(t, err)
	return app
}

// TestEveryKindHasItsRequest has one thing of each kind, whose names need escaping.
func TestEveryKindHasItsRequest(t *testing.T) {
	for _, test := range []struct {
		file  string
		kind  definition.Kind
		paths []string
	}{
		{"vhosts: [{name: a/b, tags: [x, y]}]", definition.VHost, []string{"PUT vhosts/a%2Fb"}},
		{"vhosts: [{name: a/b, limits: {max-queues: 5}}]", definition.VHostLimits,
			[]string{"PUT vhost-limits/a%2Fb/max-queues"}},
		{"users: [{name: u}]", definition.User, []string{"PUT users/u"}},
		{"users: [{name: u, limits: {max-channels: 5, max-connections: 6}}]", definition.UserLimits,
			[]string{"PUT user-limits/u/max-channels", "PUT user-limits/u/max-connections"}},
		{"users: [{name: u}]\npermissions: [{user: u, configure: a, write: b, read: c}]", definition.Permission,
			[]string{"PUT permissions/%2F/u"}},
		{"users: [{name: u}]\ntopic_permissions: [{user: u, exchange: amq.topic, write: b, read: c}]",
			definition.TopicPermission, []string{"PUT topic-permissions/%2F/u"}},
		{"exchanges: [{name: 'e e', type: topic}]", definition.Exchange, []string{"PUT exchanges/%2F/e%20e"}},
		{"queues: [{name: 'q?'}]", definition.Queue, []string{"PUT queues/%2F/q%3F"}},
		{"queues: [{name: q}]\nbindings: [{source: amq.topic, destination: q}]", definition.Binding,
			[]string{"POST bindings/%2F/e/amq.topic/q/q"}},
		{"bindings: [{source: amq.topic, destination: amq.fanout, destination_type: exchange}]", definition.Binding,
			[]string{"POST bindings/%2F/e/amq.topic/e/amq.fanout"}},
		{"parameters: [{component: federation-upstream, name: n, value: {uri: amqp://h}}]", definition.Parameter,
			[]string{"PUT parameters/federation-upstream/%2F/n"}},
		{"global_parameters: [{name: g, value: 5}]", definition.GlobalParameter,
			[]string{"PUT global-parameters/g"}},
		{"policies: [{name: p, pattern: a, definition: {expires: 5}}]", definition.Policy,
			[]string{"PUT policies/%2F/p"}},
		{"operator_policies: [{name: p, pattern: a, definition: {expires: 5}}]", definition.OperatorPolicy,
			[]string{"PUT operator-policies/%2F/p"}},
	} {
		items := parse(t, test.file).Of(test.kind)
		require.Len(t, items, 1, test.file)
		var paths []string
		for _, r := range put(items[0], &definition.Application{}, "hash") {
			paths = append(paths, r.method+" "+r.path)
			assert.NotNil(t, r.body)
		}
		assert.Equal(t, test.paths, paths)
	}
}

func TestLimitsThatAreNotWantedAreDeleted(t *testing.T) {
	actual := parse(t, "users: [{name: u, limits: {max-channels: 5, max-connections: 6}}]")
	want := parse(t, "users: [{name: u, limits: {max-channels: 7}}]").Of(definition.UserLimits)[0]
	var paths []string
	for _, r := range put(want, actual, "") {
		paths = append(paths, r.method+" "+r.path)
	}
	assert.Equal(t, []string{"PUT user-limits/u/max-channels", "DELETE user-limits/u/max-connections"}, paths)
}

func TestWhatFilesNeverNamedKeepsExchangesAndVirtualHosts(t *testing.T) {
	actual := parse(t, `
vhosts: [{name: v}]
exchanges: [{name: e, vhost: v, type: topic}]
queues: [{name: mine, vhost: v}, {name: theirs, vhost: v}]
bindings: [{source: e, vhost: v, destination: mine}, {source: e, vhost: v, destination: theirs}]`)
	s := &State{Actual: actual}
	vhost := definition.ID{Kind: definition.VHost, Name: "v"}
	exchange := definition.ID{Kind: definition.Exchange, VHost: "v", Name: "e"}
	going := map[definition.ID]bool{vhost: true, exchange: true}
	for _, item := range actual.Items {
		going[item.ID] = item.Name != "theirs" && item.Properties["destination"] != "theirs"
	}
	assert.Equal(t, []string{"has 1 binding that the files never named"}, s.usesOfExchange(exchange, going))
	assert.Equal(t, []string{"has 1 queue that the files never named",
		"has 1 binding that the files never named"},
		s.usesOfVHost(vhost, going))
	for id := range going {
		going[id] = true
	}
	assert.Empty(t, s.usesOfExchange(exchange, going))
	assert.Empty(t, s.usesOfVHost(vhost, going))
}

func TestFallbackGivesEachUserAPassword(t *testing.T) {
	app := parse(t, "users: [{name: a}, {name: b}]")
	all := Fallback(map[string]string{"a": "known"}, app)
	assert.Equal(t, "known", all["a"])
	assert.GreaterOrEqual(t, len(all["b"]), 20)
	assert.NotEqual(t, all["b"], Fallback(nil, app)["b"])
}

func TestShovelsThatGoAreNoConsumersThatStay(t *testing.T) {
	actual := parse(t, `
vhosts: [{name: v}]
queues: [{name: from, vhost: v}, {name: to, vhost: v}]
parameters:
  - component: shovel
    vhost: v
    name: move
    value: {src-uri: 'amqp:///v', src-queue: from, dest-uri: 'amqp:///v', dest-queue: to}`)
	s := &State{Actual: actual}
	from := definition.ID{Kind: definition.Queue, VHost: "v", Name: "from"}
	to := definition.ID{Kind: definition.Queue, VHost: "v", Name: "to"}
	shovel := actual.Of(definition.Parameter)[0].ID
	assert.Equal(t, 1, s.shovelsFrom(from, map[definition.ID]bool{from: true, shovel: true}))
	assert.Zero(t, s.shovelsFrom(to, map[definition.ID]bool{to: true, shovel: true}))
	assert.Zero(t, s.shovelsFrom(from, map[definition.ID]bool{from: true}), "a shovel that stays is a consumer")
}
