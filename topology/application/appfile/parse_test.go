package appfile_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
	"warren/topology/application/appfile"
)

// target is a cluster of the current series with the plugins that files here use.
var target = appfile.Target{
	Series:   topology.Series{Major: 4, Minor: 3},
	Plugins:  []string{"rabbitmq_federation", "rabbitmq_shovel_management"},
	Reserved: []string{"admin"},
}

// on is a target of another series, without plugins.
func on(major, minor int) appfile.Target {
	return appfile.Target{Series: topology.Series{Major: major, Minor: minor}}
}

// TestMistakesAreToldWithTheirLine has one kind of wrong file in each row.
func TestMistakesAreToldWithTheirLine(t *testing.T) {
	for name, test := range map[string]struct {
		target appfile.Target // target, if it has no series
		file   string
		want   []string // each is the beginning of a line of the error
	}{
		"no YAML": {file: "queues:\n  - {name: a", want: []string{"app.yaml:1: the file is neither YAML nor JSON"}},
		"no map":  {file: "- queues", want: []string{"app.yaml:1: the file is no map"}},
		"unknown section": {file: "vhosts: []\nqueus:\n  - name: a", want: []string{
			`app.yaml:2: the key "queus" is unknown: remove it; did you mean "queues"?`}},
		"section that is no list": {file: "queues:\n  name: a",
			want: []string{"app.yaml:1: the section queues is no list"}},
		"entry that is no map": {file: "queues:\n  - a",
			want: []string{"app.yaml:2: an entry of queues is no map"}},
		"unknown key": {file: "queues:\n  - name: a\n    argumnts: {}", want: []string{
			`app.yaml:3: queue a has the unknown key "argumnts": remove it; did you mean "arguments"?`}},
		"key twice in one entry": {file: "queues:\n  - name: a\n    durable: true\n    durable: false",
			want: []string{
				`app.yaml:4: the key "durable" was written before, in line 3`}},
		"missing key": {file: "queues:\n  - {name: a}\nexchanges:\n  - name: e", want: []string{
			`app.yaml:4: exchange e has no "type": write text`}},
		"wrong type": {file: "queues:\n  - name: a\n    durable: \"yes\"", want: []string{
			`app.yaml:3: queue a has "yes" as "durable": write true or false`}},
		"empty name": {file: "queues:\n  - name: ''", want: []string{`app.yaml:2: queue has an empty "name"`}},
		"name too long": {file: "queues:\n  - name: " + strings.Repeat("x", 256), want: []string{
			"app.yaml:2: queue has a name of 256 bytes: use at most 255"}},
		"reserved name": {file: "queues:\n  - name: amq.gen", want: []string{
			`app.yaml:2: queue amq.gen in vhost / has a name that begins with "amq."`}},
		"the same twice": {file: "queues:\n  - name: a\n  - name: a", want: []string{
			"app.yaml:3: queue a in vhost / was written before, in app.yaml:2"}},
		"missing vhost": {file: "vhosts:\n  - name: shop\nqueues:\n  - name: a\n    vhost: shp", want: []string{
			`app.yaml:5: queue a in vhost shp names a virtual host that is not in the files: add it to vhosts; did you mean "shop"?`}},
		"vhost with a wrong type of queues": {file: "vhosts:\n  - name: shop\n    default_queue_type: quorums",
			want: []string{
				`app.yaml:3: vhost shop has the default_queue_type "quorums"`}},
		"permission of a missing user": {
			file: "users:\n  - name: orders\npermissions:\n  - {user: order, configure: '', write: '', read: ''}",
			want: []string{`app.yaml:4: permission order in vhost / names the user "order", which is not in the files: add it to users; did you mean "orders"?`}},
		"bad regular expression": {
			file: "users: [name: u]\npermissions:\n  - user: u\n    configure: '^(a'\n    write: '^(?!amq\\.).*'\n  " +
				"  read: '[z-a]'",
			want: []string{
				`app.yaml:4: permission u has the regular expression "^(a" as "configure": a parenthesis is not closed`,
				`app.yaml:6: permission u has the regular expression "[z-a]" as "read": a range of characters runs backwards`}},
		"password in the file": {file: "users:\n  - name: orders\n    password: s3cret", want: []string{
			"app.yaml:3: user orders has its password in the file"}},
		"user of the stack's own": {file: "users:\n  - name: admin\n  - name: guest\n  - name: warren-agent",
			want: []string{
				"app.yaml:2: user admin is a user of the stack's own",
				"app.yaml:3: user guest is the user everybody tries first",
				"app.yaml:4: user warren-agent is a user of the stack's own"}},
		"broken hash of a password": {
			file: "users:\n  - name: a\n    password_hash: x\n    hashing_algorithm: rabbit_password_hashing_md5",
			want: []string{`app.yaml:4: user a has the hashing_algorithm "rabbit_password_hashing_md5"`}},
		"unknown limits": {file: "vhosts:\n  - name: a\n    limits: {max-queue: 5, max-connections: many}",
			want: []string{
				`app.yaml:3: vhost limits a have`, `app.yaml:3: vhost limits a have`}},
		"binding from a missing exchange": {
			file: "exchanges:\n  - {name: orders, type: topic}\nqueues:\n  - name: a\nbindings:\n  - source: " +
				"order\n    destination: a",
			want: []string{`app.yaml:6: binding order -> queue a in vhost / begins at the exchange "order", which is not in the files: add it to exchanges; did you mean "orders"?`}},
		"binding to a missing queue": {file: "bindings:\n  - source: amq.topic\n    destination: a", want: []string{
			`app.yaml:3: binding amq.topic -> queue a in vhost / leads to the queue "a", which is not in the files`}},
		"binding to something else": {file: "bindings:\n  - source: amq.topic\n    destination: a\n    " +
			"destination_type: queu", want: []string{
			`app.yaml:4: binding amq.topic -> queu a in vhost / has the destination_type "queu"`}},
		"binding that matches some": {
			file: "queues: [name: a]\nbindings:\n  - source: amq.headers\n    destination: a\n    arguments: " +
				"{x-match: some}",
			want: []string{`app.yaml:5: binding amq.headers`}},
		"exchange of an unknown type": {file: "exchanges:\n  - name: e\n    type: topics", want: []string{
			`app.yaml:3: exchange e in vhost / has the unknown type "topics": write one of direct, fanout, topic, headers; did you mean "topic"?`}},
		"exchange whose plugin is off": {file: "exchanges:\n  - name: e\n    type: x-consistent-hash",
			want: []string{
				`app.yaml:3: exchange e in vhost / has the type x-consistent-hash, for which the plugin rabbitmq_consistent_hash_exchange is not enabled`}},
		"exchange with a missing alternate": {
			file: "exchanges:\n  - name: e\n    type: topic\n    arguments:\n      alternate-exchange: f\n      " +
				"alternate-exchnge: e",
			want: []string{`app.yaml:5: exchange e in vhost / has as its alternate the exchange "f"`,
				`app.yaml:6: exchange e in vhost / has the argument alternate-exchnge, which RabbitMQ does not know: remove it; did you mean`}},
		"unknown argument": {file: "queues:\n  - name: a\n    arguments:\n      x-max-lengt: 5", want: []string{
			`app.yaml:4: queue a in vhost / has the argument x-max-lengt, which RabbitMQ does not know: remove it; did you mean "x-max-length"?`}},
		"unknown type of queue": {file: "queues:\n  - name: a\n    arguments: {x-queue-type: quorums}",
			want: []string{
				`app.yaml:3: queue a in vhost / has the argument x-queue-type, which is "quorums": write one of classic, quorum, stream; did you mean "quorum"?`}},
		"argument of the wrong form": {file: "queues:\n  - name: a\n    arguments:\n      x-max-length: '5'\n    " +
			"  x-expires: 0", want: []string{
			`app.yaml:4: queue a in vhost / has the argument x-max-length, which is "5": write a whole number`,
			`app.yaml:5: queue a in vhost / has the argument x-expires, which is 0: write a number from 1 on`}},
		"argument of another type of queue": {
			file: "queues:\n  - name: a\n    type: stream\n    arguments:\n      x-message-ttl: 5",
			want: []string{`app.yaml:5: queue a in vhost / has the argument x-message-ttl, which a stream queue does not have`}},
		"argument that the series lacks": {target: on(3, 10), file: "queues:\n  - name: a\n    arguments:\n      " +
			"x-queue-type: classic\n      x-consumer-timeout: 1000", want: []string{
			`app.yaml:5: queue a in vhost / has the argument x-consumer-timeout, which is known from 3.12 on: remove it; the cluster runs 3.10`}},
		"argument that the series does not have yet": {target: on(4, 0),
			file: "queues:\n  - name: a\n    arguments: {x-queue-type: quorum, " +
				"x-delayed-retry-min: 5}", want: []string{
				`app.yaml:3: queue a in vhost / has the argument x-delayed-retry-min, which is known from 4.3 on`}},
		"contradictory arguments": {
			file: "queues:\n  - name: a\n    durable: false\n    auto_delete: true\n    arguments:\n      " +
				"x-queue-type: quorum\n      x-overflow: reject-publish-dlx\n      x-dead-letter-strategy: " +
				"at-least-once\n      x-dead-letter-routing-key: k",
			want: []string{
				"app.yaml:3: queue a in vhost / is a quorum queue and not durable",
				"app.yaml:4: queue a in vhost / is a quorum queue that is to be deleted automatically",
				"app.yaml:7: queue a in vhost / is a quorum queue with x-overflow reject-publish-dlx",
				"app.yaml:8: queue a in vhost / dead-letters at least once and has no dead-letter exchange",
				"app.yaml:8: queue a in vhost / dead-letters at least once, which RabbitMQ does only with x-overflow " +
					"reject-publish",
				"app.yaml:9: queue a in vhost / has a dead-letter routing key and no dead-letter exchange"}},
		"missing dead-letter exchange": {file: "queues:\n  - name: a\n    arguments: {x-dead-letter-exchange: dlx}",
			want: []string{
				`app.yaml:3: queue a in vhost / dead-letters to the exchange "dlx", which is not in the files`}},
		"missing dead-letter queue": {
			file: "queues:\n  - name: a\n    arguments: {x-dead-letter-exchange: '', x-dead-letter-routing-key: dead}",
			want: []string{
				`app.yaml:3: queue a in vhost / dead-letters to the queue "dead", which is not in the files`}},
		"policy that sets what it can't": {
			file: "policies:\n  - name: p\n    pattern: a\n    definition:\n      max-lengt: 5\n      x-expires: " +
				"5\n      overflow: drop",
			want: []string{
				`app.yaml:5: policy p in vhost / sets "max-lengt", which it can't: remove it; did you mean "max-length"?`,
				`app.yaml:6: policy p in vhost / sets "x-expires", which it can't: remove it; did you mean "expires"?`,
				`app.yaml:7: policy p in vhost / sets "overflow", which is "drop": write one of`}},
		"policy that sets nothing": {file: "policies:\n  - {name: p, pattern: a, definition: {}}", want: []string{
			"app.yaml:2: policy p in vhost / has an empty definition"}},
		"policy of mirrored queues": {file: "policies:\n  - {name: p, pattern: a, definition: {ha-mode: all}}",
			want: []string{
				`app.yaml:2: policy p in vhost / sets "ha-mode", which is known up to 3.13: remove it; the cluster runs 4.3`}},
		"policy for what there is not": {target: on(3, 10),
			file: "policies:\n  - {name: p, pattern: a, apply-to: quorum_queues, definition: {expires: 5}}\n  - " +
				"{name: q, pattern: a, apply-to: queue, definition: {expires: 5}}", want: []string{
				`app.yaml:2: policy p in vhost / applies to "quorum_queues", which is known from 3.12 on`,
				`app.yaml:3: policy q in vhost / applies to "queue": write one of`}},
		"operator policy that decides too much": {
			file: "operator_policies:\n  - {name: p, pattern: a, definition: {dead-letter-exchange: e}}",
			want: []string{`app.yaml:2: operator policy p in vhost / sets "dead-letter-exchange", which it can't`,
				"app.yaml:2"}},
		"policy that names a missing upstream": {
			file: "policies:\n  - name: p\n    pattern: a\n    definition: {federation-upstream: north, " +
				"federation-upstream-set: south}",
			want: []string{
				`app.yaml:4: policy p in vhost / has federation-upstream and federation-upstream-set`,
				`app.yaml:4: policy p in vhost / names the federation-upstream "north", which is not in the files`,
				`app.yaml:4: policy p in vhost / names the federation-upstream-set "south", which is not in the files`}},
		"unknown component": {file: "parameters:\n  - {component: shovl, name: s, value: {}}", want: []string{
			`app.yaml:2: parameter shovl s in vhost / is of the unknown component "shovl"`}},
		"parameter whose plugin is off": {target: on(4, 3),
			file: "parameters:\n  - {component: federation-upstream, name: u, value: {uri: amqp://north}}",
			want: []string{`app.yaml:2: parameter federation-upstream u in vhost / is of the component federation-upstream, for which the plugin rabbitmq_federation is not enabled: add it to warren:plugins`}},
		"shovel that moves nothing": {
			file: "parameters:\n  - component: shovel\n    name: s\n    value:\n      src-uri: http://north\n      " +
				"src-queue: a\n      src-exchange: b\n      ack-mode: sometimes\n      dest-quue: c",
			want: []string{
				`app.yaml:4: parameter shovel s in vhost / has no "dest-uri"`,
				`app.yaml:4: parameter shovel s in vhost / has src-queue and src-exchange`,
				`app.yaml:5: parameter shovel s in vhost / has a "src-uri" that is no AMQP address`,
				`app.yaml:8: parameter shovel s in vhost / has "ack-mode", which is "sometimes"`,
				`app.yaml:9: parameter shovel s in vhost / has the unknown key "dest-quue": remove it; did you mean "dest-queue"?`}},
		"password in an address": {
			file: "parameters:\n  - component: federation-upstream\n    name: u\n    value:\n      uri: " +
				"[amqp://u:secret@north, 'amqp://u:${NORTH}@north']",
			want: []string{`app.yaml:5: parameter federation-upstream u in vhost / has a password in its "uri"`}},
		"alias within itself": {file: "queues: &q\n  - [*q, *q]",
			want: []string{"app.yaml:2: the value is nested too deep", "app.yaml:2: an entry"}},
	} {
		t.Run(name, func(t *testing.T) {
			of := target
			if test.target.Series != (topology.Series{}) {
				of = test.target
			}
			_, err := appfile.Parse(of, appfile.Source{Name: "app.yaml", Text: []byte(test.file)})
			var mistakes *appfile.Error
			require.ErrorAs(t, err, &mistakes)
			var lines []string
			for _, problem := range mistakes.Problems {
				lines = append(lines, problem.String())
			}
			require.Len(t, lines, len(test.want), "%s", strings.Join(lines, "\n"))
			for i, want := range test.want {
				assert.True(t, strings.HasPrefix(lines[i], want), "%s\n  should begin with\n%s", lines[i], want)
			}
			assert.NotContains(t, err.Error(), "s3cret")
			assert.NotContains(t, err.Error(), ":secret@")
		})
	}
}

// TestMistakesOfAllFilesAreToldAtOnce has mistakes in two files, and names in one that the other gives.
func TestMistakesOfAllFilesAreToldAtOnce(t *testing.T) {
	_, err := appfile.Parse(target,
		appfile.Source{Name: "a.yaml", Text: []byte("exchanges:\n  - {name: e, type: topic}\nqueues:\n  - {name: " +
			"q, durabel: true}\n")},
		appfile.Source{Name: "b.json", Text: []byte(`{"bindings":[
			{"source":"e","vhost":"/","destination":"q","destination_type":"queue","routing_key":"","arguments":{}},
			{"source":"f","vhost":"/","destination":"q","destination_type":"queue","routing_key":"","arguments":{}}],
			"queues":[{"name":"q","vhost":"/","durable":true,"auto_delete":false,"arguments":{}}]}`)})
	var mistakes *appfile.Error
	require.ErrorAs(t, err, &mistakes)
	text := err.Error()
	assert.Equal(t, 3, len(mistakes.Problems), text)
	assert.Contains(t, text, "3 mistakes; nothing was changed")
	assert.Contains(t, text, "a.yaml:4: queue q has the unknown key")
	assert.Contains(t, text, `b.json:3: binding f -> queue q in vhost / begins at the exchange "f"`)
	assert.Contains(t, text, "b.json:4: queue q in vhost / was written before, in a.yaml:4")
}

func TestErrorCountsOneMistake(t *testing.T) {
	err := error(&appfile.Error{Problems: []appfile.Problem{{Where: "queue"}}})
	assert.Contains(t, err.Error(), "1 mistake;")
	assert.True(t, errors.As(err, new(*appfile.Error)))
}
