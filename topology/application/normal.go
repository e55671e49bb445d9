package application

import (
	"maps"
	"slices"
	"strings"
)

// The components of parameters that have kinds of their own here.
const (
	vhostLimitsComponent    = "vhost-limits"
	operatorPolicyComponent = "operator_policy"
	limitsName              = "limits"
)

// OwnersParameter is the global parameter in which a cluster remembers what was declared from files.
const OwnersParameter = "warren_application"

// internalParameter tells whether a global parameter is RabbitMQ's own or Warren's, not an application's.
func internalParameter(name string) bool {
	return name == "cluster_name" || name == "cluster_tags" || name == OwnersParameter ||
		strings.HasPrefix(name, "internal_")
}

// normalise writes one entry in the one way in which everything is compared, whichever of RabbitMQ's ways it
// was written in. The properties are complete. An entry may say more than one thing, such as a user and its
// limits.
func normalise(s section, item Item) []Item {
	p := maps.Clone(item.Properties)
	item.Properties = p
	item.ID = s.identify(p)
	switch s.kind {
	case VHost:
		return normaliseVHost(item)
	case User:
		limits, limited := p[limitsKey].(map[string]any)
		delete(p, limitsKey)
		p["tags"] = sortedWords(p["tags"])
		items := []Item{item}
		if limited && len(limits) > 0 {
			items = append(items, limitsItem(item, UserLimits, limits))
		}
		return items
	case Parameter:
		return normaliseParameter(item)
	case Queue:
		if kind := plain(p["type"]); kind != "" {
			arguments := maps.Clone(p["arguments"].(map[string]any))
			if _, said := arguments[argQueueType]; !said {
				arguments[argQueueType] = kind
			}
			p["arguments"] = arguments
		}
		delete(p, "type")
	}
	return []Item{item}
}

// normaliseVHost takes what metadata repeats to where it was before there were any, and splits the limits off.
func normaliseVHost(item Item) []Item {
	p := item.Properties
	if metadata, ok := p["metadata"].(map[string]any); ok {
		for _, key := range []string{"description", "tags", "default_queue_type"} {
			if inner, said := metadata[key]; said && p[key] == nil && inner != nil {
				p[key] = inner
			}
		}
	}
	for _, key := range []string{"metadata", "tracing", "protected_from_deletion", "cluster_state"} {
		delete(p, key)
	}
	if kind := plain(p["default_queue_type"]); kind == "" || kind == "undefined" {
		delete(p, "default_queue_type")
	}
	if p["tags"] != nil {
		p["tags"] = sortedWords(p["tags"])
	}
	limits := limitMap(p[limitsKey])
	delete(p, limitsKey)
	if len(limits) == 0 {
		return []Item{item}
	}
	return []Item{item, limitsItem(item, VHostLimits, limits)}
}

// limitMap reads limits, which are a map in files and a list of names and values in some exports.
func limitMap(limits any) map[string]any {
	result := map[string]any{}
	switch l := limits.(type) {
	case map[string]any:
		return l
	case []any:
		for _, element := range l {
			limit, _ := element.(map[string]any)
			if name := plain(limit["name"]); name != "" {
				result[name] = limit["value"]
			}
		}
	}
	return result
}

func limitsItem(of Item, kind Kind, limits map[string]any) Item {
	return Item{
		ID: ID{Kind: kind, Name: of.Name}, At: of.At,
		Properties: map[string]any{"name": of.Name, limitsKey: limits},
	}
}

// normaliseParameter finds the kinds that RabbitMQ exports among the parameters.
func normaliseParameter(item Item) []Item {
	p := item.Properties
	inner, isObject := p["value"].(map[string]any)
	switch component := plain(p["component"]); {
	case !isObject:
	case component == vhostLimitsComponent:
		owner := Item{ID: ID{Kind: VHost, Name: item.VHost}, At: item.At}
		return []Item{limitsItem(owner, VHostLimits, inner)}
	case component == operatorPolicyComponent:
		policy := map[string]any{"vhost": item.VHost, "name": p["name"]}
		maps.Copy(policy, inner)
		s := sectionOf(OperatorPolicy)
		s.complete(policy)
		return []Item{{ID: s.identify(policy), Properties: policy, At: item.At}}
	}
	return []Item{item}
}

func sectionOf(kind Kind) section {
	return sections[slices.IndexFunc(sections, func(s section) bool { return s.kind == kind })]
}

// sortedWords sorts tags, whose order says nothing.
func sortedWords(tags any) []any {
	words := slices.Clone(tags.([]any))
	slices.SortFunc(words, func(a, b any) int { return strings.Compare(plain(a), plain(b)) })
	return words
}
