package application_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
	"warren/topology/application"
	"warren/topology/application/appfile"
)

// parse reads a file that has no mistakes.
// target is a cluster of the current series with the plugins that files here use.
var target = appfile.Target{
	Series:   topology.Series{Major: 4, Minor: 3},
	Plugins:  []string{"rabbitmq_federation", "rabbitmq_shovel_management"},
	Reserved: []string{"admin"},
}

func parse(t *testing.T, text string) *application.Application {
	t.Helper()
	app, err := appfile.Parse(target, appfile.Source{Name: "app.yaml", Text: []byte(text)})
	require.NoError(t, err)
	return app
}

// shop has something of every kind.
const shop = `
vhosts:
  - name: shop
    default_queue_type: quorum
    limits: {max-queues: 50}
users:
  - name: orders
    tags: monitoring, shop
    limits: {max-channels: 10}
permissions:
  - {user: orders, vhost: shop, configure: '^orders', write: .*, read: .*}
topic_permissions:
  - {user: orders, vhost: shop, exchange: orders, write: .*, read: .*}
exchanges:
  - {name: orders, vhost: shop, type: topic}
  - {name: dead, vhost: shop, type: fanout}
queues:
  - &queue
    name: orders
    vhost: shop
    arguments: {x-queue-type: quorum, x-max-length: 10000, x-dead-letter-exchange: dead}
  - <<: *queue
    name: returns
  - {name: log, vhost: shop, type: stream}
bindings:
  - {source: orders, vhost: shop, destination: orders, routing_key: 'order.#'}
  - {source: orders, vhost: shop, destination: dead, destination_type: exchange}
parameters:
  - component: federation-upstream
    name: north
    vhost: shop
    value: {uri: 'amqp://shop:${NORTH_PASSWORD}@north', expires: 3600000}
policies:
  - name: federate
    vhost: shop
    pattern: ^orders$
    apply-to: exchanges
    definition: {federation-upstream: north}
operator_policies:
  - {name: cap, vhost: shop, pattern: .*, definition: {max-length: 100000}}
global_parameters:
  - {name: region, value: {name: north}}
`

func exported(t *testing.T, series string) *application.Application {
	t.Helper()
	definitions, err := os.ReadFile("testdata/definitions-" + series + ".json")
	require.NoError(t, err)
	vhosts, err := os.ReadFile("testdata/vhosts-" + series + ".json")
	require.NoError(t, err)
	app, err := application.FromDefinitions(definitions, vhosts)
	require.NoError(t, err)
	return app
}

func TestNothingIsToBeDoneWhereAllIsThere(t *testing.T) {
	app := parse(t, shop)
	plan := application.Diff(app, app, nil, nil)
	assert.Empty(t, plan.Changes)
	assert.Len(t, plan.Present, len(app.Items))
	assert.Equal(t, "nothing to do", plan.Summary())
	assert.Len(t, app.Items, 17)
}

func TestAllIsCreatedInTheOrderInWhichItDepends(t *testing.T) {
	app := parse(t, shop)
	plan := application.Diff(app, &application.Application{}, nil, nil)
	require.Len(t, plan.Changes, len(app.Items))
	place := map[string]int{}
	for i, change := range plan.Changes {
		assert.Equal(t, application.Create, change.Verb)
		place[change.String()] = i
	}
	for _, order := range [][2]string{
		{"vhost shop", "vhost limits shop"}, {"user orders", "permission orders in vhost shop"},
		{"exchange orders in vhost shop", "topic permission orders on orders in vhost shop"},
		{"topic permission orders on orders in vhost shop", "permission orders in vhost shop"},
		{"exchange dead in vhost shop", "queue orders in vhost shop"},
		{"queue orders in vhost shop", `binding orders -> queue orders, routing key "order.#" in vhost shop`},
		{"parameter federation-upstream north in vhost shop", "policy federate in vhost shop"},
	} {
		require.Contains(t, place, order[0])
		require.Contains(t, place, order[1])
		assert.Less(t, place[order[0]], place[order[1]])
	}
}

func TestWhatCannotBeChangedIsRefused(t *testing.T) {
	actual := parse(t, "exchanges: [{name: e, type: topic}]\nqueues: [{name: q, type: classic, arguments: "+
		"{x-max-length: 5}}, {name: r}]")
	desired := parse(t, "exchanges: [{name: e, type: fanout}]\nqueues: [{name: q, type: quorum}, {name: r, "+
		"type: classic}]")
	plan := application.Diff(desired, actual, nil, nil)
	require.Len(t, plan.Changes, 2)
	assert.Len(t, plan.Of(application.Refuse), 2)
	assert.Equal(t, []application.Difference{{Property: "type", Want: `"fanout"`, Found: `"topic"`}},
		plan.Changes[0].Differences)
	assert.Equal(t, []application.Difference{
		{Property: "x-max-length", Want: "-", Found: "5"},
		{Property: "x-queue-type", Want: `"quorum"`, Found: `"classic"`},
	}, plan.Changes[1].Differences)
	assert.Equal(t, "2 that can't be changed", plan.Summary())
	// A queue without a type is a classic one, and who does not ask for a type gets what is there.
	assert.Contains(t, plan.Present, application.ID{Kind: application.Queue, VHost: "/", Name: "r"})
	assert.Empty(t, application.Diff(parse(t, "queues: [{name: q, arguments: {x-max-length: 5}}]"), actual, nil,
		nil).Changes)
}

// TestDifferencesHidePasswords compares a shovel with another password.
func TestDifferencesHidePasswords(t *testing.T) {
	const file = "parameters: [{component: federation-upstream, name: u, value: {uri: 'amqp://u:${P}@h'}}]"
	with := func(password string) *application.Application {
		app, err := parse(t, file).Fill(func(string) (string, bool) { return password, true })
		require.NoError(t, err)
		return app
	}
	plan := application.Diff(with("one"), with("two"), nil, nil)
	require.Len(t, plan.Of(application.Update), 1)
	assert.Equal(t, []application.Difference{
		{Property: "uri", Want: `"amqp://u:${PASSWORD}@h"`, Found: `"amqp://u:${PASSWORD}@h"`},
	}, plan.Changes[0].Differences)
}

func TestPoliciesAreUpdated(t *testing.T) {
	actual := parse(t, "policies: [{name: p, pattern: a, definition: {max-length: 5, expires: 9}}]")
	plan := application.Diff(parse(t, "policies: [{name: p, pattern: a, definition: {max-length: 6}}]"),
		actual, nil, nil)
	require.Len(t, plan.Of(application.Update), 1)
	assert.Equal(t, []application.Difference{
		{Property: "expires", Want: "-", Found: "9"}, {Property: "max-length", Want: "6", Found: "5"},
	}, plan.Changes[0].Differences)
}

// TestOnlyWhatIsOwnedIsRemoved has a queue that nobody's file ever named.
func TestOnlyWhatIsOwnedIsRemoved(t *testing.T) {
	actual := parse(t, "vhosts: [{name: /}]\nexchanges: [{name: e, type: topic}]\nqueues: [{name: old}, "+
		"{name: new}, {name: theirs}]\nbindings: [{source: e, destination: old}]")
	before := parse(t, "vhosts: [{name: /}]\nexchanges: [{name: e, type: topic}]\nqueues: [{name: "+
		"old}]\nbindings: [{source: e, destination: old}]")
	owned := application.Owned{}.Remember(application.Diff(before, actual, nil, nil), nil, nil)
	desired := parse(t, "queues: [{name: new}]")
	plan := application.Diff(desired, actual, owned, nil)
	var removed []string
	for _, change := range plan.Of(application.Remove) {
		removed = append(removed, change.String())
	}
	assert.Equal(t, []string{"binding e -> queue old in vhost /", "queue old in vhost /",
		"exchange e in vhost /"}, removed)

	// What could not be removed is still owned, and what was is not.
	left := plan.Of(application.Remove)[1:2]
	owned = owned.Remember(plan, left, nil)
	assert.Equal(t, []application.ID{
		{Kind: application.Queue, VHost: "/", Name: "new"}, {Kind: application.Queue, VHost: "/", Name: "old"},
	}, owned.IDs())
}

func TestOwnedSurvivesJSON(t *testing.T) {
	id := application.ID{Kind: application.User, Name: "orders"}
	owned := application.Owned{id: "abc", {Kind: application.Queue, VHost: "/", Name: "q"}: ""}
	text, err := json.Marshal(owned)
	require.NoError(t, err)
	var again application.Owned
	require.NoError(t, json.Unmarshal(text, &again))
	assert.Equal(t, owned, again)
	assert.ErrorContains(t, json.Unmarshal([]byte(`{"version":2}`), &again), "version 2")
}

func TestUsers(t *testing.T) {
	id := application.ID{Kind: application.User, Name: "orders"}
	desired := parse(t, "users: [{name: orders}]")
	with := func(hash string) *application.Application {
		return parse(t, "users: [{name: orders, password_hash: '"+hash+
			"', hashing_algorithm: rabbit_password_hashing_sha256}]")
	}
	mine, other := application.Hash("mine"), application.Hash("other")
	none := &application.Application{}
	for name, test := range map[string]struct {
		actual *application.Application
		owned  application.Owned
		want   application.Verb // "" if nothing is to be done
	}{
		"never seen": {none, nil, application.Create},
		"deleted by somebody": {none, application.Owned{id: application.Fingerprint(mine)},
			application.Restore},
		"as it should be": {with(mine), application.Owned{id: application.Fingerprint(mine)}, ""},
		"the stack's password is new": {with(other), application.Owned{id: application.Fingerprint(other)},
			application.Update},
		"somebody changed it": {with(other), application.Owned{id: application.Fingerprint(mine)},
			application.Restore},
		"there before the stack": {with(other), nil, application.Update},
	} {
		t.Run(name, func(t *testing.T) {
			plan := application.Diff(desired, test.actual, test.owned, map[string]string{"orders": "mine"})
			if test.want == "" {
				assert.Empty(t, plan.Changes)
				return
			}
			require.Len(t, plan.Changes, 1)
			assert.Equal(t, test.want, plan.Changes[0].Verb)
			assert.NotContains(t, plan.Changes[0].Differences, mine)
		})
	}
	// Who is not told a password leaves it alone.
	assert.Empty(t, application.Diff(desired, with(other), nil, nil).Changes)
}

func TestHashes(t *testing.T) {
	// From RabbitMQ's documentation of its own algorithm: salt 908DC60A, password "test12".
	const documented = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"
	assert.True(t, application.Verify(documented, "rabbit_password_hashing_sha256", "test12"))
	assert.False(t, application.Verify(documented, "rabbit_password_hashing_sha256", "test13"))
	assert.False(t, application.Verify("", "", "test12"))
	assert.NotEqual(t, application.Hash("a"), application.Hash("a"))
}

// TestExportsAreRead compares exports of real clusters with a file that says the same.
func TestExportsAreRead(t *testing.T) {
	for _, series := range []string{"3.10", "4.3"} {
		t.Run(series, func(t *testing.T) {
			actual := exported(t, series)
			text, err := appfile.Render(actual.Portable([]string{"t", "guest"}, topology.ManagedTag))
			require.NoError(t, err)
			assert.NotContains(t, string(text), "password_hash")
			assert.NotContains(t, string(text), ":pw@")
			assert.Contains(t, string(text), "amqp://u:${SH_DEST_PASSWORD}@h")
			again, err := appfile.Parse(target, appfile.Source{Name: "again", Text: text})
			require.NoError(t, err, "%s", text)
			filled, err := again.Fill(func(name string) (string, bool) { return "pw", name == "SH_DEST_PASSWORD" })
			require.NoError(t, err)
			assert.Empty(t, application.Diff(filled, actual, nil, nil).Changes, "%s", text)
			_, err = again.Fill(func(string) (string, bool) { return "", false })
			assert.ErrorContains(t, err, "SH_DEST_PASSWORD")
		})
	}
}

// TestRawExportIsAnApplication reads what a cluster exports without a change to it.
func TestRawExportIsAnApplication(t *testing.T) {
	text, err := os.ReadFile("testdata/definitions-4.3.json")
	require.NoError(t, err)
	_, err = appfile.Parse(target, appfile.Source{Name: "export.json", Text: text})
	var mistakes *appfile.Error
	require.ErrorAs(t, err, &mistakes)
	for _, problem := range mistakes.Problems { // all else is fine
		assert.Regexp(t, "user guest is the user everybody tries first|has a password in its", problem.String())
	}
}

func TestRenderedAndReadAgainIsTheSame(t *testing.T) {
	app := parse(t, shop)
	text, err := appfile.Render(app)
	require.NoError(t, err)
	assert.Equal(t, withoutPlaces(app), withoutPlaces(parse(t, string(text))), "%s", text)
}

func withoutPlaces(app *application.Application) []application.Item {
	var items []application.Item
	for _, item := range app.Items {
		item.At = application.Position{}
		items = append(items, item)
	}
	return items
}

func TestDrawnUsersAndTheirVHost(t *testing.T) {
	app := parse(t, shop)
	assert.Equal(t, []string{"orders"}, app.DrawnUsers())
	assert.Equal(t, "shop", app.VHostOf("orders"))
	assert.Equal(t, "/", app.VHostOf("nobody"))
}
