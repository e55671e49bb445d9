package appfile

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"warren/topology/application"

	"go.yaml.in/yaml/v3"
)

// keyOrder is the order of keys in a rendered entry; others follow by name.
var keyOrder = []string{
	"user", "component", "name", "source", "vhost", "description", "tags", "type", "destination",
	"destination_type", "routing_key", "pattern", application.KeyApplyTo, "priority",
}

// Render writes an application as a file that Parse reads. It has no passwords: users are written without
// their hashes, and passwords in addresses as ${NAME}. What has its default value is left out.
func Render(a *application.Application) ([]byte, error) {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range application.Sections {
		entries := &yaml.Node{Kind: yaml.SequenceNode}
		for _, item := range a.Of(s.Kind) {
			node, err := entryNode(s, item, a)
			if err != nil {
				return nil, fmt.Errorf("render %s: %w", item.ID, err)
			}
			entries.Content = append(entries.Content, node)
		}
		if len(entries.Content) > 0 {
			root.Content = append(root.Content, textNode(s.Key), entries)
		}
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("render the application: %w", err)
	}
	return out.Bytes(), encoder.Close()
}

func textNode(s string) *yaml.Node {
	node := &yaml.Node{}
	node.SetString(s)
	return node
}

// entryNode is the node of one entry.
func entryNode(s application.Section, item application.Item, a *application.Application) (*yaml.Node, error) {
	properties := maps.Clone(item.Properties)
	switch item.Kind {
	case application.User:
		delete(properties, application.KeyPasswordHash)
		delete(properties, application.KeyHashing)
		addLimits(properties, a, application.UserLimits, item.Name)
	case application.VHost:
		addLimits(properties, a, application.VHostLimits, item.Name)
	case application.Parameter:
		if inner, ok := properties["value"].(map[string]any); ok {
			properties["value"] = withoutPasswords(item.Text("name"), inner)
		}
	}
	keys := slices.SortedFunc(maps.Keys(properties), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, key := range keys {
		f := s.Fields[key]
		if key != "vhost" && f.Default != nil &&
			application.Canonical(f.Default) == application.Canonical(properties[key]) {
			continue
		}
		content := &yaml.Node{}
		if err := content.Encode(properties[key]); err != nil {
			return nil, err
		}
		node.Content = append(node.Content, textNode(key), content)
	}
	return node, nil
}

func rank(key string) int {
	if i := slices.Index(keyOrder, key); i >= 0 {
		return i
	}
	return len(keyOrder)
}

func addLimits(properties map[string]any, a *application.Application, kind application.Kind, name string) {
	if limits, limited := a.Find(application.ID{Kind: kind, Name: name}); limited {
		properties[application.KeyLimits] = limits.Object(application.KeyLimits)
	}
}

// withoutPasswords puts ${NAME} in the place of the passwords in a parameter's addresses.
func withoutPasswords(parameter string, value map[string]any) map[string]any {
	result := maps.Clone(value)
	for key, v := range value {
		if !strings.HasSuffix(key, "uri") {
			continue
		}
		name := variableName(parameter + "_" + strings.TrimSuffix(key, "uri") + "PASSWORD")
		if addresses, isList := v.([]any); isList {
			hidden := make([]any, len(addresses))
			for i, address := range addresses {
				hidden[i] = application.HidePassword(application.Text(address), name)
			}
			result[key] = hidden
		} else {
			result[key] = application.HidePassword(application.Text(v), name)
		}
	}
	return result
}

// variableName makes a name of an environment's variable: capitals, digits and underscores.
func variableName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(s))
}
