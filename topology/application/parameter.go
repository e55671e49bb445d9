package application

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"warren/internal/suggest"
)

// The components of parameters that plugins bring.
const (
	federationUpstream    = "federation-upstream"
	federationUpstreamSet = "federation-upstream-set"
	shovel                = "shovel"
)

// component is what is known of a parameter's value.
type component struct {
	plugin string
	// keys are those of its value; nil if the value is no object.
	keys map[string]argument
	// required are keys of which each group needs exactly one.
	required [][]string
}

var (
	acknowledgements = []string{"on-confirm", "on-publish", "no-ack"}
	protocols        = []string{"amqp091", "amqp10", "local"}
	uris             = argument{form: formAny}
)

var components = map[string]component{
	federationUpstream: {"rabbitmq_federation", map[string]argument{
		"uri": uris, "expires": {form: formNumber, least: 1}, "message-ttl": {form: formNumber},
		"ack-mode": {form: formText, values: acknowledgements}, "prefetch-count": {form: formNumber, least: 1},
		"reconnect-delay": {form: formAny}, "trust-user-id": {form: formFlag}, "exchange": {form: formText},
		"max-hops": {form: formNumber, least: 1}, "queue": {form: formText}, "consumer-tag": {form: formText},
		"queue-type": {form: formText, values: []string{classic, quorum}}, "bind-nowait": {form: formFlag},
		"resource-cleanup-mode": {form: formText, values: []string{"default", "never"}},
		"channel-use-mode":      {form: formText, values: []string{"multiple", "single"}},
		"ha-policy":             {form: formText},
	}, [][]string{{"uri"}}},
	federationUpstreamSet: {"rabbitmq_federation", nil, nil},
	shovel: {"rabbitmq_shovel", map[string]argument{
		"src-uri": uris, "dest-uri": uris,
		"src-protocol": {form: formText, values: protocols}, "dest-protocol": {form: formText, values: protocols},
		"src-queue": {form: formText}, "src-exchange": {form: formText}, "src-exchange-key": {form: formText},
		"src-queue-args": {form: formObject}, "src-address": {form: formText},
		"src-consumer-args": {form: formObject}, "src-prefetch-count": {form: formNumber, least: 1},
		"src-delete-after": {form: formAny}, "src-predeclared": {form: formFlag},
		"dest-queue": {form: formText}, "dest-exchange": {form: formText}, "dest-exchange-key": {form: formText},
		"dest-queue-args": {form: formObject}, "dest-address": {form: formText},
		"dest-add-forward-headers": {form: formFlag}, "dest-add-timestamp-header": {form: formFlag},
		"dest-publish-properties": {form: formObject}, "dest-properties": {form: formObject},
		"dest-application-properties": {form: formObject}, "dest-message-annotations": {form: formObject},
		"dest-predeclared": {form: formFlag},
		"ack-mode":         {form: formText, values: acknowledgements}, "prefetch-count": {form: formNumber, least: 1},
		"reconnect-delay": {form: formAny}, "delete-after": {form: formAny},
		"add-forward-headers": {form: formFlag}, "add-timestamp-header": {form: formFlag},
		"publish-properties": {form: formObject},
	}, [][]string{
		{"src-uri"}, {"dest-uri"}, {"src-queue", "src-exchange", "src-address"},
	}},
}

// builtIn are components that need no plugin and are not looked at any further.
var builtIn = []string{operatorPolicyComponent, vhostLimitsComponent}

func (p *parser) parameter(e entry) {
	where, name := e.String(), e.text("component")
	c, known := components[name]
	if !known {
		all := slices.Concat(slices.Sorted(maps.Keys(components)), builtIn)
		p.problems.add(e.place("component"), where, fmt.Sprintf("is of the unknown component %q", name),
			"write one of "+strings.Join(all, ", ")+suggest.DidYouMean(name, all))
		return
	}
	p.pluginOn(e.place("component"), e.ID, "is of the component "+name, c.plugin)
	if c.keys == nil {
		p.upstreamSet(e)
		return
	}
	definition, isObject := e.Properties["value"].(map[string]any)
	if !isObject {
		p.problems.add(e.place("value"), where, "has the value "+canonical(e.Properties["value"]),
			"write a map of keys and values")
		return
	}
	written := e.written["value"].object
	for _, key := range slices.Sorted(maps.Keys(definition)) {
		argument, knownKey := c.keys[key]
		at := e.At
		if m, ok := written[key]; ok {
			at = m.at
		}
		if !knownKey {
			p.problems.add(at, where, fmt.Sprintf("has the unknown key %q", key),
				"remove it"+suggest.DidYouMean(key, slices.Sorted(maps.Keys(c.keys))))
			continue
		}
		if wrong, remedy := argument.judge(definition[key]); wrong != "" {
			p.problems.add(at, where, fmt.Sprintf("has %q, which %s", key, wrong), remedy)
		}
		if strings.HasSuffix(key, "uri") {
			p.uri(at, where, key, definition[key])
		}
	}
	for _, group := range c.required {
		p.exactlyOne(e, definition, group)
	}
}

func (p *parser) exactlyOne(e entry, definition map[string]any, group []string) {
	var there []string
	for _, key := range group {
		if definition[key] != nil {
			there = append(there, key)
		}
	}
	switch {
	case len(there) == 0:
		p.problems.add(e.place("value"), e.String(), fmt.Sprintf("has no %q", group[0]),
			"add "+strings.Join(group, " or "))
	case len(there) > 1:
		p.problems.add(e.place("value"), e.String(), "has "+strings.Join(there, " and "), "remove one of them")
	}
}

// uri reports addresses that are none, and passwords in them. A value may be one address or a list.
func (p *parser) uri(at Position, where, key string, v any) {
	addresses, isList := v.([]any)
	if !isList {
		addresses = []any{v}
	}
	for _, address := range addresses {
		u, err := url.Parse(placeholder.ReplaceAllString(plain(address), stand))
		switch {
		case err != nil || u.Scheme != "amqp" && u.Scheme != "amqps":
			p.problems.add(at, where, fmt.Sprintf("has a %q that is no AMQP address", key),
				"write amqp://host/vhost, or amqp:// for this cluster")
		case hasPassword(u):
			p.problems.add(at, where, fmt.Sprintf("has a password in its %q", key),
				"write ${NAME} in its place, where NAME is a variable of the environment of `warren declare`")
		}
	}
}

// stand stands for a placeholder, whose braces no address may have.
const stand = "placeholder"

// hasPassword tells whether an address has a password that is not left to the environment.
func hasPassword(u *url.URL) bool {
	password, set := u.User.Password()
	return set && password != stand
}

// upstreamSet reports upstreams of a set that don't exist.
func (p *parser) upstreamSet(e entry) {
	members, isList := e.Properties["value"].([]any)
	if !isList {
		p.problems.add(e.place("value"), e.String(), "is no list", "write [{upstream: name}]")
		return
	}
	for _, m := range members {
		upstream, _ := m.(map[string]any)
		p.parameterThere(e.place("value"), e.ID, federationUpstream, plain(upstream["upstream"]))
	}
}
