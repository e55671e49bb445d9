package application

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"warren/topology"
)

// Form is the form of a value.
type Form string

// The forms, in the words of messages.
const (
	FormText    Form = "text"
	FormNumber  Form = "a whole number"
	FormFlag    Form = "true or false"
	FormObject  Form = "a map of keys and values"
	FormWords   Form = "a list of words, or words with commas between them"
	FormPattern Form = "a regular expression"
	FormAny     Form = "a value"
)

// Field is a key of an entry.
type Field struct {
	// Form is the form of its value.
	Form Form
	// Required fields must be written. Others have a default, or, if that is nil, are not compared unless
	// they are written.
	Required bool
	Default  any
	// MayBeEmpty is for text that may be "".
	MayBeEmpty bool
}

// Section is a list of entries of one kind.
type Section struct {
	// Key is the key of the section in a file.
	Key    string
	Kind   Kind
	Fields map[string]Field
	// name is what names an entry among others of its kind in its virtual host.
	name func(properties map[string]any) string
}

// Keys that more than one place needs.
const (
	KeyPasswordHash = "password_hash"
	KeyHashing      = "hashing_algorithm"
	KeyLimits       = "limits"
	KeyDefinition   = "definition"
	KeyApplyTo      = "apply-to"
)

var (
	vhostField = Field{Form: FormText, Default: topology.DefaultVirtualHost}
	nameField  = Field{Form: FormText, Required: true}
	// rightsField may be empty: RabbitMQ then matches nothing.
	rightsField    = Field{Form: FormPattern, Required: true, MayBeEmpty: true}
	argumentsField = Field{Form: FormObject, Default: map[string]any{}}
	durableField   = Field{Form: FormFlag, Default: true}
	falseField     = Field{Form: FormFlag, Default: false}
)

func byName(properties map[string]any) string { return Text(properties["name"]) }

// Text is a value that is text, or "".
func Text(v any) string {
	s, _ := v.(string)
	return s
}

// policyFields are those of policies and operator policies.
var policyFields = map[string]Field{
	"vhost": vhostField, "name": nameField,
	"pattern":  {Form: FormPattern, Required: true, MayBeEmpty: true},
	KeyApplyTo: {Form: FormText, Default: "all"}, KeyDefinition: {Form: FormObject, Required: true},
	"priority": {Form: FormNumber, Default: int64(0)},
}

// Sections are the sections of a file.
var Sections = []Section{
	{"vhosts", VHost, map[string]Field{
		"name": nameField, "description": {Form: FormText, MayBeEmpty: true}, "tags": {Form: FormWords},
		"default_queue_type": {Form: FormText, MayBeEmpty: true}, "metadata": {Form: FormObject},
		"tracing": {Form: FormFlag}, KeyLimits: {Form: FormAny}, "protected_from_deletion": {Form: FormFlag},
		"cluster_state": {Form: FormObject},
	}, byName},
	{"users", User, map[string]Field{
		"name": nameField, "tags": {Form: FormWords, Default: []any{}},
		KeyPasswordHash: {Form: FormText, MayBeEmpty: true}, KeyHashing: {Form: FormText},
		KeyLimits:  {Form: FormObject},
		"password": {Form: FormText, MayBeEmpty: true},
	}, byName},
	{"permissions", Permission, map[string]Field{
		"user": nameField, "vhost": vhostField, "configure": rightsField, "write": rightsField, "read": rightsField,
	}, func(p map[string]any) string { return Text(p["user"]) }},
	{"topic_permissions", TopicPermission, map[string]Field{
		"user": nameField, "vhost": vhostField, "exchange": {Form: FormText, Required: true, MayBeEmpty: true},
		"write": rightsField, "read": rightsField,
	}, func(p map[string]any) string { return Text(p["user"]) + " on " + Text(p["exchange"]) }},
	{"policies", Policy, policyFields, byName},
	{"operator_policies", OperatorPolicy, policyFields, byName},
	{"parameters", Parameter, map[string]Field{
		"vhost": vhostField, "component": nameField, "name": nameField, "value": {Form: FormAny, Required: true},
	}, func(p map[string]any) string { return Text(p["component"]) + " " + Text(p["name"]) }},
	{"global_parameters", GlobalParameter, map[string]Field{
		"name": nameField, "value": {Form: FormAny, Required: true},
	}, byName},
	{"exchanges", Exchange, map[string]Field{
		"name": nameField, "vhost": vhostField, "type": {Form: FormText, Required: true}, "durable": durableField,
		"auto_delete": falseField, "internal": falseField, "arguments": argumentsField,
	}, byName},
	{"queues", Queue, map[string]Field{
		"name": nameField, "vhost": vhostField, "type": {Form: FormText}, "durable": durableField,
		"auto_delete": falseField,
		"arguments":   argumentsField,
	}, byName},
	{"bindings", Binding, map[string]Field{
		"source": nameField, "vhost": vhostField, "destination": nameField,
		"destination_type": {Form: FormText, Default: "queue"},
		"routing_key":      {Form: FormText, Default: "", MayBeEmpty: true}, "arguments": argumentsField,
	}, bindingName},
}

// bindingName names a binding by everything that tells it from others.
func bindingName(p map[string]any) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s -> %s %s", p["source"], p["destination_type"], p["destination"])
	if key := Text(p["routing_key"]); key != "" {
		fmt.Fprintf(&b, ", routing key %q", key)
	}
	if arguments, _ := p["arguments"].(map[string]any); len(arguments) > 0 {
		fmt.Fprintf(&b, ", arguments %s", Canonical(arguments))
	}
	return b.String()
}

// Complete gives properties the defaults of their kind.
func (s Section) Complete(properties map[string]any) {
	for key, f := range s.Fields {
		if _, set := properties[key]; !set && f.Default != nil {
			properties[key] = f.Default
		}
	}
}

// Keys are the keys that an entry may have.
func (s Section) Keys() []string { return slices.Sorted(maps.Keys(s.Fields)) }

// Identify names an entry whose properties are complete.
func (s Section) Identify(properties map[string]any) ID {
	id := ID{Kind: s.Kind, Name: s.name(properties)}
	if _, inVHost := s.Fields["vhost"]; inVHost {
		id.VHost = Text(properties["vhost"])
	}
	return id
}

// RequiredKeys are the keys that an entry must have.
func (s Section) RequiredKeys() []string {
	var keys []string
	for _, key := range s.Keys() {
		if s.Fields[key].Required {
			keys = append(keys, key)
		}
	}
	return keys
}

// Read returns a value in its field's form, and whether it has that form.
func (f Field) Read(value any) (any, bool) {
	switch f.Form {
	case FormText, FormPattern:
		s, ok := value.(string)
		return s, ok
	case FormNumber:
		n, ok := value.(int64)
		return n, ok
	case FormFlag:
		b, ok := value.(bool)
		return b, ok
	case FormObject:
		if list, isList := value.([]any); isList && len(list) == 0 {
			return map[string]any{}, true // some series export an empty map as an empty list
		}
		_, ok := value.(map[string]any)
		return value, ok
	case FormWords:
		return wordList(value)
	default:
		return value, value != nil
	}
}

// wordList reads tags, which older series export as text with commas.
func wordList(data any) (any, bool) {
	if s, ok := data.(string); ok {
		result := []any{}
		for word := range strings.SplitSeq(s, ",") {
			if word = strings.TrimSpace(word); word != "" {
				result = append(result, word)
			}
		}
		return result, true
	}
	elements, ok := data.([]any)
	for _, element := range elements {
		if _, isText := element.(string); !isText {
			return nil, false
		}
	}
	return elements, ok
}
