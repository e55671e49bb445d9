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

// series3 is the last series with mirrored queues.
var series3 = topology.Series{Major: 3, Minor: 13}

// policyKeys are the keys of a policy's definition.
var policyKeys = map[string]argument{
	"alternate-exchange":      {form: application.FormText},
	"consumer-timeout":        {form: application.FormNumber, least: 1},
	"dead-letter-exchange":    {form: application.FormText},
	"dead-letter-routing-key": {form: application.FormText},
	"dead-letter-strategy": {form: application.FormText,
		values: []string{"at-most-once", "at-least-once"}},
	"delivery-limit":                {form: application.FormNumber, least: -1},
	"consumer-disconnected-timeout": {form: application.FormNumber, since: series43},
	"delayed-retry-type":            {form: application.FormText, since: series43},
	"delayed-retry-min":             {form: application.FormNumber, since: series43},
	"delayed-retry-max":             {form: application.FormNumber, since: series43},
	"federation-upstream-pattern":   {form: application.FormPattern},
	"expires":                       {form: application.FormNumber, least: 1},
	"federation-upstream":           {form: application.FormText},
	"federation-upstream-set":       {form: application.FormText},
	"ha-mode": {form: application.FormText, values: []string{"all", "exactly", "nodes"},
		until: series3},
	"ha-params": {form: application.FormAny, until: series3},
	"ha-sync-mode": {form: application.FormText, values: []string{"automatic", "manual"},
		until: series3},
	"ha-sync-batch-size": {form: application.FormNumber, least: 1, until: series3},
	"ha-promote-on-shutdown": {form: application.FormText, values: []string{"always", "when-synced"},
		until: series3},
	"ha-promote-on-failure": {form: application.FormText, values: []string{"always", "when-synced"},
		until: series3},
	"initial-cluster-size": {form: application.FormNumber, least: 1},
	"max-age":              {form: application.FormText},
	"max-in-memory-bytes":  {form: application.FormNumber},
	"max-in-memory-length": {form: application.FormNumber},
	"max-length":           {form: application.FormNumber},
	"max-length-bytes":     {form: application.FormNumber},
	"message-ttl":          {form: application.FormNumber},
	"overflow": {form: application.FormText,
		values: []string{"drop-head", "reject-publish", "reject-publish-dlx"}},
	"queue-leader-locator": {form: application.FormText,
		values: []string{"client-local", "balanced", "random", "least-leaders"}},
	"queue-master-locator": {form: application.FormText,
		values: []string{"min-masters", "client-local", "random"}},
	"queue-mode":                    {form: application.FormText, values: []string{"default", "lazy"}},
	"queue-version":                 {form: application.FormNumber, least: 1, most: 2},
	"stream-filter-size-bytes":      {form: application.FormNumber, least: 16, most: 255, since: series3},
	"stream-max-segment-size-bytes": {form: application.FormNumber, least: 1},
	"target-group-size":             {form: application.FormNumber, least: 1, since: series3},
}

// operatorPolicyKeys are those that operators may decide over an application's head.
var operatorPolicyKeys = []string{
	"expires", "message-ttl", "max-length", "max-length-bytes", "max-in-memory-length", "max-in-memory-bytes",
	"delivery-limit", "target-group-size", "overflow", "ha-mode", "ha-params", "ha-sync-mode", "queue-version",
	"queue-master-locator", "delayed-retry-type", "delayed-retry-min", "delayed-retry-max",
}

// targets are what a policy may apply to, with the series from which on it can be said.
var targets = map[string]topology.Series{
	"all": {}, "queues": {}, "exchanges": {}, "streams": {},
	"classic_queues": {Major: 3, Minor: 12}, "quorum_queues": {Major: 3, Minor: 12},
}

func (p *parser) policy(e entry) {
	where := e.String()
	written := e.written[application.KeyDefinition].object
	at := func(key string) application.Position {
		if m, ok := written[key]; ok {
			return m.at
		}
		return e.place(application.KeyDefinition)
	}
	p.applyTo(e)
	known := slices.Sorted(maps.Keys(policyKeys))
	if e.Kind == application.OperatorPolicy {
		known = operatorPolicyKeys
	}
	definition := e.Object(application.KeyDefinition)
	if len(definition) == 0 {
		p.problems.add(e.place(application.KeyDefinition), where, "has an empty definition",
			"write what it is to set")
	}
	for _, key := range slices.Sorted(maps.Keys(definition)) {
		argument := policyKeys[key]
		if !slices.Contains(known, key) {
			p.problems.add(at(key), where, fmt.Sprintf("sets %q, which it can't", key),
				"remove it"+suggest.DidYouMean(strings.TrimPrefix(key, "x-"), known))
			continue
		}
		if ok, why := argument.known(p.target.Series); !ok {
			p.problems.add(at(key), where, fmt.Sprintf("sets %q, which %s", key, why),
				"remove it; the cluster runs "+p.target.Series.String())
			continue
		}
		if wrong, remedy := argument.judge(definition[key]); wrong != "" {
			p.problems.add(at(key), where, fmt.Sprintf("sets %q, which %s", key, wrong), remedy)
		}
	}
	p.policyReferences(e, at)
}

func (p *parser) applyTo(e entry) {
	applyTo := e.Text(application.KeyApplyTo)
	since, known := targets[applyTo]
	switch {
	case !known:
		names := slices.Sorted(maps.Keys(targets))
		p.problems.add(e.place(application.KeyApplyTo), e.String(), fmt.Sprintf("applies to %q", applyTo),
			"write one of "+strings.Join(names, ", ")+suggest.DidYouMean(applyTo, names))
	case p.target.Series.Compare(since) < 0:
		p.problems.add(e.place(application.KeyApplyTo), e.String(),
			fmt.Sprintf("applies to %q, which is known from %s on", applyTo, since),
			"write queues; the cluster runs "+p.target.Series.String())
	}
}

// policyReferences reports names in a policy that don't exist, and keys that exclude each other.
func (p *parser) policyReferences(e entry, at func(string) application.Position) {
	definition := e.Object(application.KeyDefinition)
	for _, key := range []string{"dead-letter-exchange", "alternate-exchange"} {
		if exchange := application.Text(definition[key]); exchange != "" {
			p.exchangeThere(at(key), e.ID, "has as its "+key, exchange)
		}
	}
	upstream, set := application.Text(definition["federation-upstream"]), application.Text(
		definition["federation-upstream-set"])
	if upstream != "" && set != "" {
		p.problems.add(at("federation-upstream-set"), e.String(),
			"has federation-upstream and federation-upstream-set", "remove one of them")
	}
	if upstream != "" {
		p.parameterThere(at("federation-upstream"), e.ID, federationUpstream, upstream)
	}
	if set != "" && set != "all" {
		p.parameterThere(at("federation-upstream-set"), e.ID, federationUpstreamSet, set)
	}
}

func (p *parser) parameterThere(at application.Position, by application.ID, component, name string) {
	if p.has(application.ID{Kind: application.Parameter, VHost: by.VHost, Name: component + " " + name}) {
		return
	}
	var names []string
	for _, full := range p.names(application.Parameter, by.VHost) {
		if rest, ok := strings.CutPrefix(full, component+" "); ok {
			names = append(names, rest)
		}
	}
	p.problems.add(at, by.String(), fmt.Sprintf("names the %s %q, which is not in the files", component, name),
		"add it to parameters"+suggest.DidYouMean(name, names))
}
