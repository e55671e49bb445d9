package application

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"warren/operate/cluster"
	definition "warren/topology/application"
)

// request is one call of the management API.
type request struct {
	method, path string
	body         any
}

// pathOf joins names to a path below /api/.
func pathOf(names ...string) string {
	escaped := make([]string, len(names))
	for i, name := range names {
		escaped[i] = url.PathEscape(name)
	}
	return strings.Join(escaped, "/")
}

// body has some of an item's properties under the same names.
func body(item definition.Item, keys ...string) map[string]any {
	result := map[string]any{}
	for _, key := range keys {
		if v, said := item.Properties[key]; said {
			result[key] = v
		}
	}
	return result
}

// commas writes tags as the API takes them in every series.
func commas(tags any) string {
	list, _ := tags.([]any)
	words := make([]string, len(list))
	for i, tag := range list {
		words[i], _ = tag.(string)
	}
	return strings.Join(words, ",")
}

// put returns the requests that make a thing what it is to be. hash is the hash of a user's password.
func put(item definition.Item, actual *definition.Application, hash string) []request {
	one := func(body any, path ...string) []request {
		return []request{{http.MethodPut, pathOf(path...), body}}
	}
	vhost, p := item.VHost, item.Properties
	switch item.Kind {
	case definition.VHost:
		settings := body(item, "description", "default_queue_type")
		if tags, said := p["tags"]; said {
			settings["tags"] = commas(tags)
		}
		return one(settings, "vhosts", item.Name)
	case definition.User:
		settings := map[string]any{"password_hash": hash, "tags": commas(p["tags"])}
		if hashing, said := p["hashing_algorithm"]; said {
			settings["hashing_algorithm"] = hashing
		}
		return one(settings, "users", item.Name)
	case definition.VHostLimits, definition.UserLimits:
		found, _ := actual.Find(item.ID)
		return limits(item, found)
	case definition.Permission:
		return one(body(item, "configure", "write", "read"), "permissions", vhost, text(p["user"]))
	case definition.TopicPermission:
		return one(body(item, "exchange", "write", "read"), "topic-permissions", vhost, text(p["user"]))
	case definition.GlobalParameter:
		return one(body(item, "name", "value"), "global-parameters", item.Name)
	case definition.Parameter:
		return one(body(item, "value"), "parameters", text(p["component"]), vhost, text(p["name"]))
	case definition.Policy:
		return one(body(item, "pattern", "definition", "apply-to", "priority"), "policies", vhost, item.Name)
	case definition.OperatorPolicy:
		return one(body(item, "pattern", "definition", "apply-to", "priority"),
			"operator-policies", vhost, item.Name)
	case definition.Exchange:
		return one(body(item, "type", "durable", "auto_delete", "internal", "arguments"),
			"exchanges", vhost, item.Name)
	case definition.Queue:
		return one(body(item, "durable", "auto_delete", "arguments"), "queues", vhost, item.Name)
	case definition.Binding:
		return []request{{http.MethodPost, bindingPath(item), body(item, "routing_key", "arguments")}}
	}
	panic("application: no way to declare a " + string(item.Kind))
}

func text(v any) string { s, _ := v.(string); return s }

// bindingPath is the path of all bindings between the two ends of one.
func bindingPath(binding definition.Item) string {
	p := binding.Properties
	kind := "q"
	if text(p["destination_type"]) == "exchange" {
		kind = "e"
	}
	return pathOf("bindings", binding.VHost, "e", text(p["source"]), kind, text(p["destination"]))
}

// limits sets the limits that are wanted and deletes the others.
func limits(want, found definition.Item) []request {
	path := "vhost-limits"
	if want.Kind == definition.UserLimits {
		path = "user-limits"
	}
	wanted, _ := want.Properties["limits"].(map[string]any)
	there, _ := found.Properties["limits"].(map[string]any)
	var requests []request
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		requests = append(requests, request{http.MethodPut, pathOf(path, want.Name, name),
			map[string]any{"value": wanted[name]}})
	}
	for _, name := range slices.Sorted(maps.Keys(there)) {
		if _, said := wanted[name]; !said {
			requests = append(requests, request{http.MethodDelete, pathOf(path, want.Name, name), nil})
		}
	}
	return requests
}

// send makes the requests one after another.
func (s *State) send(ctx context.Context, requests ...request) error {
	for _, r := range requests {
		if err := s.cluster.Send(ctx, s.node, changeTimeout, r.method, r.path, r.body); err != nil {
			return err
		}
	}
	return nil
}

// remove deletes a thing that is there.
func (s *State) remove(ctx context.Context, item definition.Item) error {
	vhost, p := item.VHost, item.Properties
	var path string
	switch item.Kind {
	case definition.VHost:
		path = pathOf("vhosts", item.Name)
	case definition.User:
		path = pathOf("users", item.Name)
	case definition.VHostLimits, definition.UserLimits:
		none := definition.Item{ID: item.ID, Properties: map[string]any{}}
		return s.send(ctx, limits(none, item)...)
	case definition.Permission:
		path = pathOf("permissions", vhost, text(p["user"]))
	case definition.TopicPermission:
		return s.removeTopicPermission(ctx, item)
	case definition.GlobalParameter:
		path = pathOf("global-parameters", item.Name)
	case definition.Parameter:
		path = pathOf("parameters", text(p["component"]), vhost, text(p["name"]))
	case definition.Policy:
		path = pathOf("policies", vhost, item.Name)
	case definition.OperatorPolicy:
		path = pathOf("operator-policies", vhost, item.Name)
	case definition.Exchange:
		path = pathOf("exchanges", vhost, item.Name)
	case definition.Queue:
		path = pathOf("queues", vhost, item.Name)
		if item.QueueType() == "" || item.QueueType() == cluster.Classic {
			path += "?if-empty=true&if-unused=true" // quorum queues and streams don't know these
		}
	case definition.Binding:
		return s.removeBinding(ctx, item)
	default:
		panic("application: no way to remove a " + string(item.Kind))
	}
	return ignoreGone(s.send(ctx, request{http.MethodDelete, path, nil}))
}

// ignoreGone takes what is not there any more for removed.
func ignoreGone(err error) error {
	var refused *cluster.RequestError
	if errors.As(err, &refused) && refused.Code == http.StatusNotFound {
		return nil
	}
	return err
}

// removeTopicPermission deletes a user's topic permissions in a virtual host, which the API can only do
// together, and gives back those for other exchanges that are not to be removed as well.
func (s *State) removeTopicPermission(ctx context.Context, item definition.Item) error {
	user := text(item.Properties["user"])
	requests := []request{{http.MethodDelete, pathOf("topic-permissions", item.VHost, user), nil}}
	for _, other := range s.Actual.Of(definition.TopicPermission) {
		if other.VHost == item.VHost && text(other.Properties["user"]) == user && !s.removing[other.ID] {
			requests = append(requests, put(other, s.Actual, "")...)
		}
	}
	return ignoreGone(s.send(ctx, requests...))
}

// removeBinding finds the key by which the API knows a binding, and deletes it.
func (s *State) removeBinding(ctx context.Context, item definition.Item) error {
	var there []struct {
		RoutingKey string         `json:"routing_key"`
		Arguments  map[string]any `json:"arguments"`
		Key        string         `json:"properties_key"`
	}
	path := bindingPath(item)
	if err := s.cluster.GetWithin(ctx, s.node, changeTimeout, path, &there); err != nil {
		return err
	}
	for _, binding := range there {
		found := definition.SameBinding(item, binding.RoutingKey, binding.Arguments)
		if found {
			return ignoreGone(s.send(ctx, request{http.MethodDelete, path + "/" + url.PathEscape(binding.Key), nil}))
		}
	}
	return nil
}

// errNoPassword says that a user's password is not among the stack's outputs.
func errNoPassword(user, stack string) error {
	return fmt.Errorf("user %s has no password yet: run `pulumi up --stack %s`, which draws one", user, stack)
}
