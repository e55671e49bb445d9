package application

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// form is the form of a value.
type form string

// The forms, in the words of messages.
const (
	formText    form = "text"
	formNumber  form = "a whole number"
	formFlag    form = "true or false"
	formObject  form = "a map of keys and values"
	formWords   form = "a list of words, or words with commas between them"
	formPattern form = "a regular expression"
	formAny     form = "a value"
)

// field is a key of an entry.
type field struct {
	form form
	// required fields must be written. Others have a default, or, if that is nil, are not compared unless
	// they are written.
	required  bool
	byDefault any
	// mayBeEmpty is for text that may be "".
	mayBeEmpty bool
}

// section is a list of entries of one kind.
type section struct {
	key    string
	kind   Kind
	fields map[string]field
	// name is what names an entry among others of its kind in its virtual host.
	name func(properties map[string]any) string
}

const (
	defaultVHost    = "/"
	passwordHashKey = "password_hash"
	hashingKey      = "hashing_algorithm"
	limitsKey       = "limits"
	definitionKey   = "definition"
	applyToKey      = "apply-to"
)

var (
	vhostField = field{form: formText, byDefault: defaultVHost}
	nameField  = field{form: formText, required: true}
	// rightsField may be empty: RabbitMQ then matches nothing.
	rightsField    = field{form: formPattern, required: true, mayBeEmpty: true}
	argumentsField = field{form: formObject, byDefault: map[string]any{}}
	durableField   = field{form: formFlag, byDefault: true}
	falseField     = field{form: formFlag, byDefault: false}
)

func byName(properties map[string]any) string { return plain(properties["name"]) }

func plain(v any) string {
	s, _ := v.(string)
	return s
}

// policyFields are those of policies and operator policies.
var policyFields = map[string]field{
	"vhost": vhostField, "name": nameField,
	"pattern":  {form: formPattern, required: true, mayBeEmpty: true},
	applyToKey: {form: formText, byDefault: "all"}, definitionKey: {form: formObject, required: true},
	"priority": {form: formNumber, byDefault: int64(0)},
}

// sections are the sections of a file.
var sections = []section{
	{"vhosts", VHost, map[string]field{
		"name": nameField, "description": {form: formText, mayBeEmpty: true}, "tags": {form: formWords},
		"default_queue_type": {form: formText, mayBeEmpty: true}, "metadata": {form: formObject},
		"tracing": {form: formFlag}, limitsKey: {form: formAny}, "protected_from_deletion": {form: formFlag},
		"cluster_state": {form: formObject},
	}, byName},
	{"users", User, map[string]field{
		"name": nameField, "tags": {form: formWords, byDefault: []any{}},
		passwordHashKey: {form: formText, mayBeEmpty: true}, hashingKey: {form: formText}, limitsKey: {form: formObject},
		"password": {form: formText, mayBeEmpty: true},
	}, byName},
	{"permissions", Permission, map[string]field{
		"user": nameField, "vhost": vhostField, "configure": rightsField, "write": rightsField, "read": rightsField,
	}, func(p map[string]any) string { return plain(p["user"]) }},
	{"topic_permissions", TopicPermission, map[string]field{
		"user": nameField, "vhost": vhostField, "exchange": {form: formText, required: true, mayBeEmpty: true},
		"write": rightsField, "read": rightsField,
	}, func(p map[string]any) string { return plain(p["user"]) + " on " + plain(p["exchange"]) }},
	{"policies", Policy, policyFields, byName},
	{"operator_policies", OperatorPolicy, policyFields, byName},
	{"parameters", Parameter, map[string]field{
		"vhost": vhostField, "component": nameField, "name": nameField, "value": {form: formAny, required: true},
	}, func(p map[string]any) string { return plain(p["component"]) + " " + plain(p["name"]) }},
	{"global_parameters", GlobalParameter, map[string]field{
		"name": nameField, "value": {form: formAny, required: true},
	}, byName},
	{"exchanges", Exchange, map[string]field{
		"name": nameField, "vhost": vhostField, "type": {form: formText, required: true}, "durable": durableField,
		"auto_delete": falseField, "internal": falseField, "arguments": argumentsField,
	}, byName},
	{"queues", Queue, map[string]field{
		"name": nameField, "vhost": vhostField, "type": {form: formText}, "durable": durableField, "auto_delete": falseField,
		"arguments": argumentsField,
	}, byName},
	{"bindings", Binding, map[string]field{
		"source": nameField, "vhost": vhostField, "destination": nameField,
		"destination_type": {form: formText, byDefault: "queue"},
		"routing_key":      {form: formText, byDefault: "", mayBeEmpty: true}, "arguments": argumentsField,
	}, bindingName},
}

// ignored are the keys of RabbitMQ's export that say nothing of the application.
var ignored = []string{
	"rabbit_version", "rabbitmq_version", "product_name", "product_version", "rabbitmq_definition_format",
	"original_cluster_name", "explanation",
}

// sectionKeys are the keys that a file may have.
func sectionKeys() []string {
	var keys []string
	for _, s := range sections {
		keys = append(keys, s.key)
	}
	return keys
}

// bindingName names a binding by everything that tells it from others.
func bindingName(p map[string]any) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s -> %s %s", p["source"], p["destination_type"], p["destination"])
	if key := plain(p["routing_key"]); key != "" {
		fmt.Fprintf(&b, ", routing key %q", key)
	}
	if arguments, _ := p["arguments"].(map[string]any); len(arguments) > 0 {
		fmt.Fprintf(&b, ", arguments %s", canonical(arguments))
	}
	return b.String()
}

// complete gives properties the defaults of their kind.
func (s section) complete(properties map[string]any) {
	for key, f := range s.fields {
		if _, set := properties[key]; !set && f.byDefault != nil {
			properties[key] = f.byDefault
		}
	}
}

func (s section) keys() []string { return slices.Sorted(maps.Keys(s.fields)) }

// identify names an entry whose properties are complete.
func (s section) identify(properties map[string]any) ID {
	id := ID{Kind: s.kind, Name: s.name(properties)}
	if _, inVHost := s.fields["vhost"]; inVHost {
		id.VHost = plain(properties["vhost"])
	}
	return id
}
