package application

import (
	"maps"
	"slices"
	"strings"

	"warren/topology"
)

// The components of parameters that have kinds of their own here.
const (
	VHostLimitsComponent    = "vhost-limits"
	OperatorPolicyComponent = "operator_policy"
	limitsName              = "limits"
)

// OwnersParameter is the global parameter in which a cluster remembers what was declared from files.
const OwnersParameter = "warren_application"

// Internal tells whether a thing is RabbitMQ's own or Warren's, so that no application declares it.
func (i Item) Internal() bool {
	switch i.Kind {
	case GlobalParameter:
		return i.Name == "cluster_name" || i.Name == "cluster_tags" || i.Name == OwnersParameter ||
			strings.HasPrefix(i.Name, "internal_")
	case Exchange:
		return Predeclared(i.Name)
	default:
		return false
	}
}

// Normalise writes one entry in the one way in which everything is compared, whichever of RabbitMQ's ways it
// was written in. The properties are complete. An entry may say more than one thing, such as a user and its
// limits.
func (s Section) Normalise(item Item) []Item {
	p := maps.Clone(item.Properties)
	item.Properties = p
	item.ID = s.Identify(p)
	switch s.Kind {
	case VHost:
		return normaliseVHost(item)
	case User:
		limits, limited := p[KeyLimits].(map[string]any)
		delete(p, KeyLimits)
		p["tags"] = sortedWords(p["tags"])
		items := []Item{item}
		if limited && len(limits) > 0 {
			items = append(items, limitsItem(item, UserLimits, limits))
		}
		return items
	case Parameter:
		return normaliseParameter(item)
	case Queue:
		if kind := Text(p["type"]); kind != "" {
			arguments := maps.Clone(p["arguments"].(map[string]any))
			if _, said := arguments[topology.QueueTypeArgument]; !said {
				arguments[topology.QueueTypeArgument] = kind
			}
			p["arguments"] = arguments
		}
		delete(p, "type")
	}
	return []Item{item}
}

// normaliseVHost takes what metadata repeats to where it was before there were any, and splits the limits
// off.
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
	if kind := Text(p["default_queue_type"]); kind == "" || kind == "undefined" {
		delete(p, "default_queue_type")
	}
	if p["tags"] != nil {
		p["tags"] = sortedWords(p["tags"])
	}
	limits := limitMap(p[KeyLimits])
	delete(p, KeyLimits)
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
			if name := Text(limit["name"]); name != "" {
				result[name] = limit["value"]
			}
		}
	}
	return result
}

func limitsItem(of Item, kind Kind, limits map[string]any) Item {
	return Item{
		ID: ID{Kind: kind, Name: of.Name}, At: of.At,
		Properties: map[string]any{"name": of.Name, KeyLimits: limits},
	}
}

// normaliseParameter finds the kinds that RabbitMQ exports among the parameters.
func normaliseParameter(item Item) []Item {
	p := item.Properties
	inner, isObject := p["value"].(map[string]any)
	switch component := Text(p["component"]); {
	case !isObject:
	case component == VHostLimitsComponent:
		owner := Item{ID: ID{Kind: VHost, Name: item.VHost}, At: item.At}
		return []Item{limitsItem(owner, VHostLimits, inner)}
	case component == OperatorPolicyComponent:
		policy := map[string]any{"vhost": item.VHost, "name": p["name"]}
		maps.Copy(policy, inner)
		s := sectionOf(OperatorPolicy)
		s.Complete(policy)
		return []Item{{ID: s.Identify(policy), Properties: policy, At: item.At}}
	}
	return []Item{item}
}

func sectionOf(kind Kind) Section {
	return Sections[slices.IndexFunc(Sections, func(s Section) bool { return s.Kind == kind })]
}

// sortedWords sorts tags, whose order says nothing.
func sortedWords(tags any) []any {
	words := slices.Clone(tags.([]any))
	slices.SortFunc(words, func(a, b any) int { return strings.Compare(Text(a), Text(b)) })
	return words
}

// NormalNumber makes an int64 of every number that is whole.
func NormalNumber(data any) any {
	switch n := data.(type) {
	case int:
		return int64(n)
	case uint64:
		return float64(n)
	case float64:
		if whole := int64(n); float64(whole) == n && n < 1<<62 && n > -1<<62 {
			return whole
		}
	}
	return data
}

// normal makes whole numbers int64 in a value that was decoded from JSON.
func normal(data any) any {
	switch v := data.(type) {
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, inner := range v {
			object[key] = normal(inner)
		}
		return object
	case []any:
		list := make([]any, len(v))
		for i, inner := range v {
			list[i] = normal(inner)
		}
		return list
	default:
		return NormalNumber(data)
	}
}
