package appfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"warren/internal/suggest"
	"warren/topology"
	"warren/topology/application"
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
	uris             = argument{form: application.FormAny}
)

var components = map[string]component{
	federationUpstream: {"rabbitmq_federation", map[string]argument{
		"uri": uris, "expires": {form: application.FormNumber, least: 1},
		"message-ttl":     {form: application.FormNumber},
		"ack-mode":        {form: application.FormText, values: acknowledgements},
		"prefetch-count":  {form: application.FormNumber, least: 1},
		"reconnect-delay": {form: application.FormAny}, "trust-user-id": {form: application.FormFlag},
		"exchange": {form: application.FormText},
		"max-hops": {form: application.FormNumber, least: 1}, "queue": {form: application.FormText},
		"consumer-tag": {form: application.FormText},
		"queue-type": {form: application.FormText,
			values: []string{topology.ClassicQueue, topology.QuorumQueue}},
		"bind-nowait":           {form: application.FormFlag},
		"resource-cleanup-mode": {form: application.FormText, values: []string{"default", "never"}},
		"channel-use-mode":      {form: application.FormText, values: []string{"multiple", "single"}},
		"ha-policy":             {form: application.FormText},
	}, [][]string{{"uri"}}},
	federationUpstreamSet: {"rabbitmq_federation", nil, nil},
	shovel: {"rabbitmq_shovel", map[string]argument{
		"src-uri": uris, "dest-uri": uris,
		"src-protocol":  {form: application.FormText, values: protocols},
		"dest-protocol": {form: application.FormText, values: protocols},
		"src-queue":     {form: application.FormText}, "src-exchange": {form: application.FormText},
		"src-exchange-key": {form: application.FormText},
		"src-queue-args":   {form: application.FormObject}, "src-address": {form: application.FormText},
		"src-consumer-args":  {form: application.FormObject},
		"src-prefetch-count": {form: application.FormNumber, least: 1},
		"src-delete-after":   {form: application.FormAny}, "src-predeclared": {form: application.FormFlag},
		"dest-queue": {form: application.FormText}, "dest-exchange": {form: application.FormText},
		"dest-exchange-key": {form: application.FormText},
		"dest-queue-args":   {form: application.FormObject}, "dest-address": {form: application.FormText},
		"dest-add-forward-headers":    {form: application.FormFlag},
		"dest-add-timestamp-header":   {form: application.FormFlag},
		"dest-publish-properties":     {form: application.FormObject},
		"dest-properties":             {form: application.FormObject},
		"dest-application-properties": {form: application.FormObject},
		"dest-message-annotations":    {form: application.FormObject},
		"dest-predeclared":            {form: application.FormFlag},
		"ack-mode":                    {form: application.FormText, values: acknowledgements},
		"prefetch-count":              {form: application.FormNumber, least: 1},
		"reconnect-delay":             {form: application.FormAny}, "delete-after": {form: application.FormAny},
		"add-forward-headers": {form: application.FormFlag}, "add-timestamp-header": {form: application.FormFlag},
		"publish-properties": {form: application.FormObject},
	}, [][]string{
		{"src-uri"}, {"dest-uri"}, {"src-queue", "src-exchange", "src-address"},
	}},
}

// builtIn are components that need no plugin and are not looked at any further.
var builtIn = []string{application.OperatorPolicyComponent, application.VHostLimitsComponent}

func (p *parser) parameter(e entry) {
	where, name := e.String(), e.Text("component")
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
		p.problems.add(e.place("value"), where, "has the value "+application.Canonical(e.Properties["value"]),
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
func (p *parser) uri(at application.Position, where, key string, v any) {
	addresses, isList := v.([]any)
	if !isList {
		addresses = []any{v}
	}
	for _, address := range addresses {
		u, hasPassword, err := application.ParseAddress(application.Text(address))
		switch {
		case err != nil || u.Scheme != "amqp" && u.Scheme != "amqps":
			p.problems.add(at, where, fmt.Sprintf("has a %q that is no AMQP address", key),
				"write amqp://host/vhost, or amqp:// for this cluster")
		case hasPassword:
			p.problems.add(at, where, fmt.Sprintf("has a password in its %q", key),
				"write ${NAME} in its place, where NAME is a variable of the environment of `warren declare`")
		}
	}
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
		p.parameterThere(e.place("value"), e.ID, federationUpstream, application.Text(upstream["upstream"]))
	}
}
