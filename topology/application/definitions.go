package application

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// FromDefinitions reads what a cluster exports at /api/definitions. vhosts is its answer at /api/vhosts,
// which has what older series leave out of the export.
//
// Nothing is checked: what is there may be other than an application could ask for.
func FromDefinitions(definitions, vhosts []byte) (*Application, error) {
	var export map[string]json.RawMessage
	if err := json.Unmarshal(definitions, &export); err != nil {
		return nil, fmt.Errorf("read the cluster's definitions: %w", err)
	}
	export["vhosts"] = vhosts
	seen := map[ID]Item{}
	for _, s := range Sections {
		text, there := export[s.Key]
		if !there {
			continue
		}
		var entries []map[string]any
		if err := json.Unmarshal(text, &entries); err != nil {
			return nil, fmt.Errorf("read the cluster's %s: %w", s.Key, err)
		}
		for _, properties := range entries {
			for _, item := range s.Normalise(Item{Properties: s.known(properties)}) {
				if !item.Internal() {
					seen[item.ID] = item
				}
			}
		}
	}
	return New(maps.Values(seen)), nil
}

// known returns the properties that the section knows, complete and in the forms in which files have them.
func (s Section) known(properties map[string]any) map[string]any {
	result := map[string]any{}
	for key, f := range s.Fields {
		raw, said := properties[key]
		if !said || raw == nil {
			continue
		}
		data := normal(raw)
		if converted, ok := f.Read(data); ok {
			data = converted
		}
		result[key] = data
	}
	s.Complete(result)
	return result
}

// OwnersValue finds what the cluster remembers of earlier declarations in what it exports.
func OwnersValue(definitions []byte) (Owned, error) {
	var export struct {
		Parameters []struct {
			Name  string          `json:"name"`
			Value json.RawMessage `json:"value"`
		} `json:"global_parameters"`
	}
	if err := json.Unmarshal(definitions, &export); err != nil {
		return nil, fmt.Errorf("read the cluster's definitions: %w", err)
	}
	owned := Owned{}
	for _, parameter := range export.Parameters {
		if parameter.Name != OwnersParameter {
			continue
		}
		if err := json.Unmarshal(parameter.Value, &owned); err != nil {
			return nil, fmt.Errorf("read the global parameter %s, in which the cluster remembers what was "+
				"declared: %w",
				OwnersParameter, err)
		}
	}
	return owned, nil
}

// predeclared are the exchanges that are there without being declared.
var predeclared = []string{
	"amq.direct", "amq.fanout", "amq.headers", "amq.match", "amq.topic", "amq.rabbitmq.trace",
	"amq.rabbitmq.log",
	"amq.rabbitmq.event",
}

// Predeclared tells whether an exchange is there without being declared.
func Predeclared(exchange string) bool { return slices.Contains(predeclared, exchange) }

// federationPrefix begins the names of what federation declares for itself.
const federationPrefix = "federation: "

// generated tells whether RabbitMQ gave a queue or an exchange its name.
func generated(name string) bool {
	return strings.HasPrefix(name, "amq.") || strings.HasPrefix(name, federationPrefix)
}

// Portable returns an application without what can't be declared elsewhere: the users in reserved and others
// with one of the tags, with all that is theirs, and queues and exchanges with names that RabbitMQ gave them.
func (a *Application) Portable(reserved []string, ownTag string) *Application {
	foreign := map[string]bool{}
	for _, user := range a.Of(User) {
		foreign[user.Name] = slices.Contains(reserved, user.Name) || slices.Contains(user.Tags(), ownTag)
	}
	var kept Application
	for _, item := range a.Items {
		var leave bool
		switch item.Kind {
		case User, UserLimits:
			leave = foreign[item.Name]
		case Permission, TopicPermission:
			leave = foreign[item.Text("user")]
		case Exchange, Queue:
			leave = generated(item.Name)
		case Binding:
			leave = generated(item.Text("destination")) && !Predeclared(item.Text("destination")) ||
				strings.HasPrefix(item.Text("source"), federationPrefix)
		}
		if !leave {
			kept.Items = append(kept.Items, item)
		}
	}
	return &kept
}
