package application

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"warren/topology"
)

// Kind is a kind of thing that an application consists of.
type Kind string

// The kinds, in the order in which they are declared: each refers only to those before it.
const (
	VHost           Kind = "vhost"
	User            Kind = "user"
	VHostLimits     Kind = "vhost limits"
	UserLimits      Kind = "user limits"
	Permission      Kind = "permission"
	TopicPermission Kind = "topic permission"
	GlobalParameter Kind = "global parameter"
	Parameter       Kind = "parameter"
	OperatorPolicy  Kind = "operator policy"
	Policy          Kind = "policy"
	Exchange        Kind = "exchange"
	Queue           Kind = "queue"
	Binding         Kind = "binding"
)

// Kinds are all kinds in the order in which they are declared. They are deleted in the opposite order.
//
// RabbitMQ refuses a topic permission on an exchange that is not there. Permissions follow, so that nobody
// has them before the topic permissions that limit them. A shovel would create its queues with properties of
// its own, so parameters come after queues. An upstream must be there before the policy that uses it.
var Kinds = []Kind{
	VHost, User, VHostLimits, UserLimits, GlobalParameter,
	Exchange, TopicPermission, Permission, Queue, Binding, Parameter, OperatorPolicy, Policy,
}

// ID names one thing in a cluster.
type ID struct {
	Kind Kind `json:"kind"`
	// VHost is empty for what belongs to no virtual host.
	VHost string `json:"vhost,omitempty"`
	// Name is unique among things of a kind in a virtual host. A permission has the user's name, a topic
	// permission the user's and the exchange's, a parameter the component's and its own, and a binding is
	// named by all that tells it from others.
	Name string `json:"name"`
}

// String names the thing for people: `queue orders in vhost shop`.
func (id ID) String() string {
	if id.VHost == "" || id.Kind == VHost || id.Kind == VHostLimits {
		return fmt.Sprintf("%s %s", id.Kind, id.Name)
	}
	return fmt.Sprintf("%s %s in vhost %s", id.Kind, id.Name, id.VHost)
}

// compare orders things as they are declared.
func compare(a, b ID) int {
	return cmp.Or(
		cmp.Compare(slices.Index(Kinds, a.Kind), slices.Index(Kinds, b.Kind)),
		strings.Compare(a.VHost, b.VHost),
		strings.Compare(a.Name, b.Name),
	)
}

// Item is one thing, as it is to be or as it is.
type Item struct {
	ID
	// Properties are what RabbitMQ's definitions say of the thing, its names included. Whole numbers are
	// int64, lists []any, and what the kind has a default for is never left out.
	Properties map[string]any
	// At is where the thing is written; zero for what a cluster has.
	At Position
}

// Text is a property that is text.
func (i Item) Text(key string) string {
	value, _ := i.Properties[key].(string)
	return value
}

// Object is a property that is an object.
func (i Item) Object(key string) map[string]any {
	value, _ := i.Properties[key].(map[string]any)
	return value
}

// QueueType is the type of a queue, "" if it is not said.
func (i Item) QueueType() string {
	value, _ := i.Object("arguments")[topology.QueueTypeArgument].(string)
	return value
}

// Application is what files or a cluster say. Items are sorted, and there is one for each ID.
type Application struct {
	Items []Item
}

// New makes an application of items with different IDs.
func New(items iter.Seq[Item]) *Application {
	return &Application{slices.SortedFunc(items, func(a, b Item) int { return compare(a.ID, b.ID) })}
}

// Find returns the item with an ID.
func (a *Application) Find(id ID) (Item, bool) {
	i, found := slices.BinarySearchFunc(a.Items, id, func(item Item, id ID) int { return compare(item.ID, id) })
	if !found {
		return Item{}, false
	}
	return a.Items[i], true
}

// Of returns the items of a kind.
func (a *Application) Of(kind Kind) []Item {
	var items []Item
	for _, item := range a.Items {
		if item.Kind == kind {
			items = append(items, item)
		}
	}
	return items
}

// DrawnUsers are the names of the users whose password the stack draws: those without a password hash.
func (a *Application) DrawnUsers() []string {
	var names []string
	for _, user := range a.Of(User) {
		if user.Text(KeyPasswordHash) == "" {
			names = append(names, user.Name)
		}
	}
	return names
}

// VHostOf is the virtual host that a user works in: the first of those that it has permissions in, "/" before
// others.
func (a *Application) VHostOf(user string) string {
	var vhosts []string
	for _, permission := range a.Of(Permission) {
		if permission.Text("user") == user {
			vhosts = append(vhosts, permission.VHost)
		}
	}
	if len(vhosts) == 0 {
		return topology.DefaultVirtualHost
	}
	return slices.Min(vhosts) // "/" sorts before letters and digits
}

// Canonical writes a value as JSON, in which equal values are equal text.
func Canonical(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value) // everything here came from YAML or JSON
	}
	return string(text)
}

// SameBinding tells whether a binding has a routing key and arguments as the management API shows them.
func SameBinding(binding Item, routingKey string, arguments map[string]any) bool {
	if arguments == nil {
		arguments = map[string]any{}
	}
	return binding.Text("routing_key") == routingKey &&
		Canonical(binding.Object("arguments")) == Canonical(arguments)
}

// Position is a place in a file. Lines count from 1.
type Position struct {
	File string `json:"file,omitempty"`
	Line int    `json:"line,omitempty"`
}

// String writes the position as compilers do.
func (p Position) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// Tags are the tags of a user.
func (i Item) Tags() []string {
	var names []string
	list, _ := i.Properties["tags"].([]any)
	for _, tag := range list {
		names = append(names, Text(tag))
	}
	return names
}
