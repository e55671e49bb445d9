package application

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"warren/internal/suggest"
	"warren/topology"
)

// series3 is the last series with mirrored queues.
var series3 = topology.Series{Major: 3, Minor: 13}

// policyKeys are the keys of a policy's definition.
var policyKeys = map[string]argument{
	"alternate-exchange":            {form: formText},
	"consumer-timeout":              {form: formNumber, least: 1},
	"dead-letter-exchange":          {form: formText},
	"dead-letter-routing-key":       {form: formText},
	"dead-letter-strategy":          {form: formText, values: []string{"at-most-once", "at-least-once"}},
	"delivery-limit":                {form: formNumber, least: -1},
	"consumer-disconnected-timeout": {form: formNumber, since: series43},
	"delayed-retry-type":            {form: formText, since: series43},
	"delayed-retry-min":             {form: formNumber, since: series43},
	"delayed-retry-max":             {form: formNumber, since: series43},
	"federation-upstream-pattern":   {form: formPattern},
	"expires":                       {form: formNumber, least: 1},
	"federation-upstream":           {form: formText},
	"federation-upstream-set":       {form: formText},
	"ha-mode":                       {form: formText, values: []string{"all", "exactly", "nodes"}, until: series3},
	"ha-params":                     {form: formAny, until: series3},
	"ha-sync-mode":                  {form: formText, values: []string{"automatic", "manual"}, until: series3},
	"ha-sync-batch-size":            {form: formNumber, least: 1, until: series3},
	"ha-promote-on-shutdown":        {form: formText, values: []string{"always", "when-synced"}, until: series3},
	"ha-promote-on-failure":         {form: formText, values: []string{"always", "when-synced"}, until: series3},
	"initial-cluster-size":          {form: formNumber, least: 1},
	"max-age":                       {form: formText},
	"max-in-memory-bytes":           {form: formNumber},
	"max-in-memory-length":          {form: formNumber},
	"max-length":                    {form: formNumber},
	"max-length-bytes":              {form: formNumber},
	"message-ttl":                   {form: formNumber},
	"overflow":                      {form: formText, values: []string{"drop-head", "reject-publish", "reject-publish-dlx"}},
	"queue-leader-locator": {form: formText,
		values: []string{"client-local", "balanced", "random", "least-leaders"}},
	"queue-master-locator":          {form: formText, values: []string{"min-masters", "client-local", "random"}},
	"queue-mode":                    {form: formText, values: []string{"default", "lazy"}},
	"queue-version":                 {form: formNumber, least: 1, most: 2},
	"stream-filter-size-bytes":      {form: formNumber, least: 16, most: 255, since: series3},
	"stream-max-segment-size-bytes": {form: formNumber, least: 1},
	"target-group-size":             {form: formNumber, least: 1, since: series3},
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
	written := e.written[definitionKey].object
	at := func(key string) Position {
		if m, ok := written[key]; ok {
			return m.at
		}
		return e.place(definitionKey)
	}
	p.applyTo(e)
	known := slices.Sorted(maps.Keys(policyKeys))
	if e.Kind == OperatorPolicy {
		known = operatorPolicyKeys
	}
	definition := e.object(definitionKey)
	if len(definition) == 0 {
		p.problems.add(e.place(definitionKey), where, "has an empty definition", "write what it is to set")
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
	applyTo := e.text(applyToKey)
	since, known := targets[applyTo]
	switch {
	case !known:
		names := slices.Sorted(maps.Keys(targets))
		p.problems.add(e.place(applyToKey), e.String(), fmt.Sprintf("applies to %q", applyTo),
			"write one of "+strings.Join(names, ", ")+suggest.DidYouMean(applyTo, names))
	case p.target.Series.Compare(since) < 0:
		p.problems.add(e.place(applyToKey), e.String(),
			fmt.Sprintf("applies to %q, which is known from %s on", applyTo, since),
			"write queues; the cluster runs "+p.target.Series.String())
	}
}

// policyReferences reports names in a policy that don't exist, and keys that exclude each other.
func (p *parser) policyReferences(e entry, at func(string) Position) {
	definition := e.object(definitionKey)
	for _, key := range []string{"dead-letter-exchange", "alternate-exchange"} {
		if exchange := plain(definition[key]); exchange != "" {
			p.exchangeThere(at(key), e.ID, "has as its "+key, exchange)
		}
	}
	upstream, set := plain(definition["federation-upstream"]), plain(definition["federation-upstream-set"])
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

func (p *parser) parameterThere(at Position, by ID, component, name string) {
	if p.has(ID{Parameter, by.VHost, component + " " + name}) {
		return
	}
	var names []string
	for _, full := range p.names(Parameter, by.VHost) {
		if rest, ok := strings.CutPrefix(full, component+" "); ok {
			names = append(names, rest)
		}
	}
	p.problems.add(at, by.String(), fmt.Sprintf("names the %s %q, which is not in the files", component, name),
		"add it to parameters"+suggest.DidYouMean(name, names))
}
