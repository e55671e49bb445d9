//go:build cluster

package application_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"
	amqp "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livetest"
	"warren/internal/wait"
	"warren/operate/application"
	"warren/operate/cluster"
	definition "warren/topology/application"
	"warren/topology/application/appfile"
)

// passwords are those of the users of the large application.
var passwords = map[string]string{"u0": "pass-0", "u1": "pass-1", "u2": "pass-2", "u3": "pass-3",
	"u4": "pass-4"}

const vhosts, queues = 3, 200

// large is an application of three virtual hosts, five users, 200 queues, policies, a federation upstream and
// a shovel.
func large() string {
	var b strings.Builder
	section := func(name string) { fmt.Fprintf(&b, "%s:\n", name) }
	entry := func(format string, args ...any) { fmt.Fprintf(&b, "  - {"+format+"}\n", args...) }
	section("vhosts")
	for v := range vhosts {
		entry("name: v%d, description: number %d, limits: {max-queues: %d}", v, v, 1000+v)
	}
	section("users")
	for u := range passwords {
		entry("name: %s, tags: [monitoring], limits: {max-channels: 100}", u)
	}
	section("permissions")
	for u := range passwords {
		for v := range vhosts {
			entry("user: %s, vhost: v%d, configure: '^q', write: .*, read: .*", u, v)
		}
	}
	section("topic_permissions")
	entry("user: u0, vhost: v0, exchange: e0, write: .*, read: .*")
	entry("user: u0, vhost: v0, exchange: amq.topic, write: '', read: .*")
	section("exchanges")
	for v := range vhosts {
		entry("name: e%d, vhost: v%d, type: topic", v, v)
		entry("name: dead, vhost: v%d, type: fanout", v)
	}
	section("queues")
	for q := range queues {
		kind := "classic"
		switch q % 10 {
		case 0:
			kind = "quorum"
		case 1:
			kind = "stream"
		}
		extra := ""
		if kind != "stream" {
			extra = ", x-max-length: 1000, x-dead-letter-exchange: dead"
		}
		entry("name: q%03d, vhost: v%d, arguments: {x-queue-type: %s%s}", q, q%vhosts, kind, extra)
	}
	section("bindings")
	for q := range queues {
		entry("source: e%d, vhost: v%d, destination: q%03d, routing_key: 'key.%d'", q%vhosts, q%vhosts, q, q)
	}
	entry("source: e0, vhost: v0, destination: dead, destination_type: exchange, routing_key: '#'")
	section("parameters")
	entry("component: federation-upstream, vhost: v0, name: north, value: {uri: 'amqp://north.invalid/v1', " +
		"expires: 3600000}")
	entry("component: shovel, vhost: v1, name: move, value: {src-uri: 'amqp:///v1', src-queue: q001, " +
		"src-consumer-args: {x-stream-offset: first}, dest-uri: 'amqp:///v1', dest-exchange: dead, ack-mode: " +
		"on-confirm}")
	section("policies")
	entry("name: federate, vhost: v0, pattern: '^e0$', apply-to: exchanges, definition: " +
		"{federation-upstream: north}")
	entry("name: expire, vhost: v1, pattern: '^q', apply-to: classic_queues, definition: {message-ttl: " +
		"60000000}, priority: 2")
	section("operator_policies")
	entry("name: cap, vhost: v1, pattern: '^q', apply-to: classic_queues, definition: {max-length: 100000}")
	section("global_parameters")
	entry("name: region, value: {name: north}")
	return b.String()
}

// enablePlugins enables federation and shovels on all nodes.
func enablePlugins(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	for _, node := range c.Nodes() {
		_, err := c.Run(t.Context(), node.Container, "rabbitmq-plugins", "enable", "rabbitmq_federation",
			"rabbitmq_shovel")
		require.NoError(t, err)
	}
	require.NoError(t, wait.Within(t.Context(), time.Minute, time.Second, "the plugins",
		func(ctx context.Context) error {
			state, err := application.Look(ctx, c)
			if err == nil && !strings.Contains(strings.Join(state.Plugins, " "), "rabbitmq_shovel") {
				err = errors.New("the statistics do not show them yet")
			}
			return err
		}))
}

// look asks the cluster what it has, and parses a file for it.
func look(t *testing.T, c *cluster.Cluster, file string) (*application.State, *definition.Application) {
	t.Helper()
	state, err := application.Look(t.Context(), c)
	require.NoError(t, err)
	target, err := state.Target()
	require.NoError(t, err)
	app, err := appfile.Parse(target, appfile.Source{Name: "app.yaml", Text: []byte(file)})
	require.NoError(t, err)
	return state, app
}

// apply declares a file, and counts what became of its things.
func apply(
	t *testing.T, c *cluster.Cluster, file string, options application.Options,
) (map[application.Outcome]int, error) {
	t.Helper()
	options.Passwords = passwords
	state, app := look(t, c, file)
	results, err := state.Apply(t.Context(), app, options)
	count := map[application.Outcome]int{}
	for _, r := range results {
		count[r.Done]++
		if r.Done != application.Present && r.Done != application.Created {
			t.Logf("%s %s %s", r.Done, r.ID, r.Reason)
		}
	}
	return count, err
}

// plan is what is to be done to declare a file.
func plan(t *testing.T, c *cluster.Cluster, file string) definition.Plan {
	t.Helper()
	state, app := look(t, c, file)
	return definition.Diff(app, state.Actual, state.Owned, passwords)
}

func ask(t *testing.T, c *cluster.Cluster, request func(*rabbithole.Client) (*http.Response, error)) {
	t.Helper()
	require.NoError(t, livetest.Ask(t.Context(), c, request))
}

// login opens a user's connection to a virtual host.
func login(c *cluster.Cluster, user, password, vhost string) (*amqp.Connection, error) {
	u, err := url.Parse(c.Outputs().AMQPURL)
	if err != nil {
		return nil, err
	}
	u.User, u.Path, u.RawPath = url.UserPassword(user, password), "/"+vhost, "/"+url.PathEscape(vhost)
	return amqp.Dial(u.String())
}

// getsIn waits until a user can log in: nodes learn of users one after the other.
func getsIn(t *testing.T, c *cluster.Cluster, user, password, vhost string) {
	t.Helper()
	require.NoError(t, wait.Within(t.Context(), time.Minute, time.Second, "a login",
		func(context.Context) error {
			connection, err := login(c, user, password, vhost)
			if err != nil {
				return err
			}
			return connection.Close()
		}))
}

// staysOut waits until a user is refused.
func staysOut(t *testing.T, c *cluster.Cluster, user, password, vhost string) {
	t.Helper()
	require.NoError(t, wait.Within(t.Context(), time.Minute, time.Second, "a refusal",
		func(context.Context) error {
			connection, err := login(c, user, password, vhost)
			if err == nil {
				return errors.Join(errors.New("it got in"), connection.Close())
			}
			return nil
		}))
}

func TestLargeApplication(t *testing.T) {
	c := livetest.Open(t)
	enablePlugins(t, c)
	before, _ := look(t, c, "")
	require.Empty(t, before.Foreign(), "the cluster is not empty")
	t.Cleanup(func() { emptyAll(c) })
	file := large()

	start := time.Now()
	count, err := apply(t, c, file, application.Options{})
	require.NoError(t, err)
	_, app := look(t, c, file)
	assert.Equal(t, map[application.Outcome]int{application.Created: len(app.Items)}, count)
	t.Logf("%d things declared in %.1f s", len(app.Items), time.Since(start).Seconds())
	start = time.Now()
	count, err = apply(t, c, file, application.Options{})
	require.NoError(t, err)
	assert.Equal(t, map[application.Outcome]int{application.Present: len(app.Items)}, count,
		"declaring is idempotent")
	t.Logf("found to be there in %.1f s", time.Since(start).Seconds())

	getsIn(t, c, "u3", "pass-3", "v2")
	staysOut(t, c, "u3", "pass-3", "/") // where the user has no rights

	t.Run("drift", func(t *testing.T) { drift(t, c, file) })
	t.Run("refused", func(t *testing.T) { refuse(t, c, file) })
	t.Run("pruned", func(t *testing.T) { prune(t, c, file) })
	t.Run("exported and restored", func(t *testing.T) { exportAndRestore(t, c, file) })
}

// drift changes by hand what an operator may change, and declares again.
func drift(t *testing.T, c *cluster.Cluster, file string) {
	ask(t, c, func(api *rabbithole.Client) (*http.Response, error) { return api.DeleteQueue("v2", "q002") })
	ask(t, c, func(api *rabbithole.Client) (*http.Response, error) {
		return api.PutPolicy("v1", "expire", rabbithole.Policy{Pattern: "^q", ApplyTo: "classic_queues",
			Definition: rabbithole.PolicyDefinition{"message-ttl": 5000000}, Priority: 2})
	})
	ask(t, c, func(api *rabbithole.Client) (*http.Response, error) {
		return api.PutUser("u1",
			rabbithole.UserSettings{Password: "by hand", Tags: rabbithole.UserTags{"monitoring"}})
	})
	ask(t, c, func(api *rabbithole.Client) (*http.Response, error) { return api.DeleteUser("u2") })
	ask(t, c, func(api *rabbithole.Client) (*http.Response, error) {
		return api.DeclareQueue("v0", "theirs", rabbithole.QueueSettings{Durable: true})
	})

	verbs := map[string]definition.Verb{}
	for _, change := range plan(t, c, file).Changes {
		verbs[change.String()] = change.Verb
	}
	assert.Equal(t, definition.Create, verbs["queue q002 in vhost v2"])
	assert.Equal(t, definition.Update, verbs["policy expire in vhost v1"])
	assert.Equal(t, definition.Restore, verbs["user u1"])
	assert.Equal(t, definition.Restore, verbs["user u2"])
	assert.NotContains(t, verbs, "queue theirs in vhost v0", "nobody named it")

	count, err := apply(t, c, file, application.Options{})
	require.NoError(t, err)
	// The two users, and the limits and the three rights of the one that is gone.
	assert.Equal(t, 6, count[application.Left])
	getsIn(t, c, "u1", "by hand", "v0") // what somebody set by hand stays
	staysOut(t, c, "u2", "pass-2", "v0")

	_, err = apply(t, c, file, application.Options{RestoreUsers: true})
	require.NoError(t, err)
	getsIn(t, c, "u1", "pass-1", "v0")
	getsIn(t, c, "u2", "pass-2", "v0")
	assert.Empty(t, plan(t, c, file).Changes)

	// Another password of the stack's is given to the user, while nothing else changes.
	passwords["u1"] = "rotated"
	count, err = apply(t, c, file, application.Options{})
	require.NoError(t, err)
	assert.Equal(t, 1, count[application.Updated])
	getsIn(t, c, "u1", "rotated", "v0")
	staysOut(t, c, "u1", "pass-1", "v0")
}

// refuse wants another type of a queue.
func refuse(t *testing.T, c *cluster.Cluster, file string) {
	other := strings.Replace(file, "name: q005, vhost: v2, arguments: {x-queue-type: classic",
		"name: q005, vhost: v2, arguments: {x-queue-type: quorum", 1)
	other = strings.Replace(other, "max-queues: 1002", "max-queues: 2002", 1)
	_, err := apply(t, c, other, application.Options{})
	var unchangeable *application.UnchangeableError
	require.ErrorAs(t, err, &unchangeable)
	require.ErrorContains(t, err, "nothing was changed")
	require.ErrorContains(t, err, `x-queue-type is "classic", the file says "quorum"`)
	assert.Empty(t, plan(t, c, file).Changes, "not even what could be changed was")
}

// prune declares less, while a queue that goes holds messages and another has a consumer.
func prune(t *testing.T, c *cluster.Cluster, file string) {
	var kept []string
	for line := range strings.Lines(file) {
		gone := false
		for _, name := range []string{"q003", "q010", "q016"} {
			gone = gone || strings.Contains(line, name)
		}
		if !gone && !strings.Contains(line, "user: u0, vhost: v0, exchange: amq.topic") {
			kept = append(kept, line)
		}
	}
	smaller := strings.Join(kept, "")

	ctx := t.Context()
	v0, err := login(c, c.Outputs().Username, c.Outputs().Password, "v0")
	require.NoError(t, err)
	defer v0.Close()
	channel, err := v0.Channel()
	require.NoError(t, err)
	require.NoError(t, channel.Confirm(false))
	confirmation, err := channel.PublishWithDeferredConfirmWithContext(ctx, "", "q003", false, false,
		amqp.Publishing{Body: []byte("kept")})
	require.NoError(t, err)
	require.True(t, confirmation.Wait())
	v1, err := login(c, c.Outputs().Username, c.Outputs().Password, "v1")
	require.NoError(t, err)
	defer v1.Close()
	consuming, err := v1.Channel()
	require.NoError(t, err)
	_, err = consuming.Consume("q010", "", false, false, false, false, nil)
	require.NoError(t, err)

	count, err := apply(t, c, smaller, application.Options{})
	require.NoError(t, err)
	assert.Equal(t, 7, count[application.Left],
		"without --prune nothing goes: three queues, their bindings, a right")

	_, err = apply(t, c, smaller, application.Options{Prune: true})
	require.ErrorContains(t, err, "queue q003 in vhost v0 is not removed: it holds 1 message")
	require.ErrorContains(t, err, "queue q010 in vhost v1 is not removed: it has 1 consumer")
	assert.NotContains(t, err.Error(), "q016")
	assert.Len(t, plan(t, c, smaller).Of(definition.Remove), 7, "nothing was removed")

	_, err = channel.QueuePurge("q003", false)
	require.NoError(t, err)
	require.NoError(t, v1.Close())
	require.NoError(t, wait.Within(ctx, time.Minute, time.Second, "the statistics",
		func(ctx context.Context) error {
			count, err = apply(t, c, smaller, application.Options{Prune: true})
			return err
		}))
	assert.Equal(t, 7, count[application.Removed])
	state, _ := look(t, c, "")
	_, there := state.Actual.Find(definition.ID{Kind: definition.Queue, VHost: "v0", Name: "theirs"})
	assert.True(t, there, "what the file never named is not touched")
	_, there = state.Actual.Find(definition.ID{Kind: definition.TopicPermission, VHost: "v0", Name: "u0 on e0"})
	assert.True(t, there, "the user's other topic permission stays")

	// A virtual host with something of somebody else's is not removed with it.
	_, err = apply(t, c, "users: []", application.Options{Prune: true})
	require.ErrorContains(t, err, "vhost v0 is not removed: it has 1 queue that the files never named")
	_, err = apply(t, c, file, application.Options{})
	require.NoError(t, err)
}

// exportAndRestore takes everything away and brings it back.
func exportAndRestore(t *testing.T, c *cluster.Cluster, file string) {
	ask(t, c, func(api *rabbithole.Client) (*http.Response, error) { return api.DeleteQueue("v0", "theirs") })
	state, _ := look(t, c, "")
	exported, err := state.Export()
	require.NoError(t, err)
	for _, secret := range append([]string{"password", "hash", c.Outputs().Username}, "pass-3") {
		assert.NotContains(t, string(exported), secret)
	}
	require.NoError(t, wait.Within(t.Context(), 2*time.Minute, time.Second, "an empty cluster",
		func(context.Context) error {
			_, err := apply(t, c, "users: []", application.Options{Prune: true})
			return err
		}))
	empty, _ := look(t, c, "")
	require.Empty(t, empty.Foreign())
	assert.Empty(t, empty.Owned)

	_, err = apply(t, c, string(exported), application.Options{})
	require.NoError(t, err)
	again, _ := look(t, c, "")
	text, err := again.Export()
	require.NoError(t, err)
	assert.Equal(t, string(exported), string(text))
	assert.Len(t, plan(t, c, file).Changes, 0)
}

// emptyAll removes what the test declared, whatever state it is in.
func emptyAll(c *cluster.Cluster) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for v := range vhosts {
		_ = livetest.Ask(ctx, c, func(api *rabbithole.Client) (*http.Response, error) {
			return api.DeleteVhost(fmt.Sprintf("v%d", v))
		})
	}
	for user := range passwords {
		_ = livetest.Ask(ctx, c, func(api *rabbithole.Client) (*http.Response, error) {
			return api.DeleteUser(user)
		})
	}
	for _, name := range []string{"region", definition.OwnersParameter} {
		_ = livetest.Ask(ctx, c, func(api *rabbithole.Client) (*http.Response, error) {
			return api.DeleteGlobalParameter(name)
		})
	}
}

// TestUsersThatOnlyLook makes sure that the load balancer's user can do nothing but look.
func TestUsersThatOnlyLook(t *testing.T) {
	c := livetest.Open(t)
	state, _ := look(t, c, "")
	for _, permission := range state.Actual.Of(definition.Permission) {
		assert.NotEqual(t, "warren-haproxy", permission.Properties["user"])
	}
	user, found := state.Actual.Find(definition.ID{Kind: definition.User, Name: "warren-haproxy"})
	require.True(t, found)
	assert.NotContains(t, user.Properties["tags"], "administrator")
	for _, other := range state.Actual.Of(definition.User) {
		assert.NotEqual(t, "guest", other.Name)
	}
}
