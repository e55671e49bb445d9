package appfile

import (
	"fmt"
	"strconv"

	"warren/topology/application"

	"go.yaml.in/yaml/v3"
)

// value is a value in a file: what it says, and where. Objects and lists have the positions of what is in
// them.
type value struct {
	at     application.Position
	data   any
	object map[string]member
	list   []value
}

// member is a key of an object with its value.
type member struct {
	at application.Position
	value
}

// deepest is how deep values may be nested, and most how many a file may have. An alias within itself would
// go on forever, and aliases of aliases nearly so.
const (
	deepest = 64
	most    = 10_000_000
)

// reader makes values of the nodes of one file.
type reader struct {
	file     string
	problems *problems
	count    *int
}

func (r reader) at(node *yaml.Node) application.Position {
	return application.Position{File: r.file, Line: node.Line}
}

// value reads a node with everything in it.
func (r reader) value(node *yaml.Node, depth int) value {
	v := value{at: r.at(node)}
	if *r.count++; depth > deepest || *r.count > most {
		if *r.count <= most { // once is enough
			*r.count = most
			r.problems.add(v.at, "the value", "is nested too deep", "write it without aliases within themselves")
		}
		return v
	}
	switch node.Kind {
	case yaml.AliasNode:
		aliased := r.value(node.Alias, depth+1)
		aliased.at = v.at
		return aliased
	case yaml.MappingNode:
		v.object = map[string]member{}
		r.members(v.object, node, depth)
		data := map[string]any{}
		for key, m := range v.object {
			data[key] = m.data
		}
		v.data = data
	case yaml.SequenceNode:
		data := []any{}
		for _, element := range node.Content {
			item := r.value(element, depth+1)
			v.list = append(v.list, item)
			data = append(data, item.data)
		}
		v.data = data
	default:
		v.data = r.scalar(node)
	}
	return v
}

// members reads the keys of a mapping. What is merged into it (<<) gives way to what it says itself.
func (r reader) members(object map[string]member, node *yaml.Node, depth int) {
	var merged []*yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, content := node.Content[i], node.Content[i+1]
		if key.Tag == "!!merge" {
			merged = append(merged, content)
			continue
		}
		if first, twice := object[key.Value]; twice {
			r.problems.add(r.at(key), "the key "+strconv.Quote(key.Value),
				fmt.Sprintf("was written before, in line %d", first.at.Line), "keep one of them")
			continue
		}
		object[key.Value] = member{at: r.at(key), value: r.value(content, depth+1)}
	}
	for _, content := range merged {
		v := r.value(content, depth+1)
		for _, source := range append(v.list, v) {
			for key, m := range source.object {
				if _, own := object[key]; !own {
					object[key] = m
				}
			}
		}
	}
}

// scalar reads text, a number, a truth value or nothing. A number that no int64 holds stays a float64.
func (r reader) scalar(node *yaml.Node) any {
	switch node.ShortTag() {
	case "!!null":
		return nil
	case "!!str", "!!timestamp", "!!binary":
		return node.Value
	}
	var data any
	if err := node.Decode(&data); err != nil {
		r.problems.add(r.at(node), "the value "+strconv.Quote(node.Value), "can't be read", err.Error())
		return nil
	}
	return application.NormalNumber(data)
}
