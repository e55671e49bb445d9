package stackconfig

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"warren/internal/suggest"
	"warren/topology"
	"warren/topology/certificate"
)

// secretKeys are configuration keys that hold secrets: known, but not part of a Config.
var secretKeys = []string{"adminPassword", "statsPassword", "erlangCookie", "userPasswords",
	certificate.CertificateKey, certificate.KeyKey, certificate.AuthorityKey}

// Parse makes a stack's cluster from its configuration as Pulumi stores it: keys without the namespace,
// values as text, structured ones as JSON. The keys of secrets are known but not read. The error is a
// *ValidationError with every mistake: values of the wrong form, unknown keys, and what can't be meant.
func Parse(stack string, raw map[string]string) (*topology.Cluster, error) {
	config, problems := decode(raw)
	misread := map[string]bool{}
	for _, p := range problems {
		misread[rootKey(p.Key)] = true
	}
	cluster, semantic := build(stack, config)
	for _, p := range semantic {
		// A value that could not be read was left at its default: what is wrong with that is not the
		// operator's mistake.
		if !misread[rootKey(p.Key)] {
			problems = append(problems, p)
		}
	}
	if err := problems.err(); err != nil {
		return nil, err
	}
	return cluster, nil
}

func decode(raw map[string]string) (Config, problemList) {
	var config Config
	var problems problemList
	fields := fieldsByKey(reflect.ValueOf(&config).Elem())
	known := slices.Concat(slices.Sorted(maps.Keys(fields)), secretKeys)
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		field, isField := fields[key]
		switch {
		case isField:
			decodeValue(&problems, key, raw[key], field)
		case !slices.Contains(known, key):
			problems.add(key, "is an unknown key", "remove it"+suggest.DidYouMean(key, known))
		}
	}
	return config, problems
}

// fieldsByKey returns the fields of a struct by the names in their JSON tags.
func fieldsByKey(v reflect.Value) map[string]reflect.Value {
	fields := map[string]reflect.Value{}
	for i := range v.NumField() {
		if key, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); key != "" && key != "-" {
			fields[key] = v.Field(i)
		}
	}
	return fields
}

// decodeValue sets one field of a Config from its text.
func decodeValue(problems *problemList, key, text string, field reflect.Value) {
	if field.Kind() == reflect.String {
		field.SetString(text)
		return
	}
	switch field.Interface().(type) {
	case int:
		n, err := strconv.Atoi(text)
		if err != nil {
			problems.add(key, "is "+quoted(text), "write a whole number")
			return
		}
		if n == 0 {
			problems.add(key, "is 0", leaveOut)
		}
		field.SetInt(int64(n))
	case float64:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			problems.add(key, "is "+quoted(text), "write a number such as 0.6")
			return
		}
		if f == 0 {
			problems.add(key, "is 0", leaveOut)
		}
		field.SetFloat(f)
	case []topology.Host:
		decodeHosts(problems, key, text, field.Addr().Interface().(*[]topology.Host))
	case MonitoringConfig:
		decodeMonitoring(problems, key, text, field.Addr().Interface().(*MonitoringConfig))
	case FilesConfig:
		if !strings.HasPrefix(strings.TrimSpace(text), "[") {
			field.Set(reflect.ValueOf(FilesConfig{text}))
			return
		}
		decodeJSON(problems, key, []byte(text), field)
	case NodesConfig:
		decodeNodes(problems, key, text, field.Addr().Interface().(*NodesConfig))
	default:
		decodeJSON(problems, key, []byte(text), field)
	}
}

// leaveOut is what to do about a number that is 0, which in a Config means the default.
const leaveOut = "write a positive number, or leave it out for the default"

// decodeNodes reads a count or a list, whose entries are looked at one by one.
func decodeNodes(problems *problemList, key, text string, nodes *NodesConfig) {
	if count, err := strconv.Atoi(strings.TrimSpace(text)); err == nil {
		*nodes = NodesConfig{Count: count, explicit: true}
		return
	}
	var entries []json.RawMessage
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		problems.add(key, "is "+quoted(text),
			"write a number of nodes, or a list such as [{name: rabbit1}, {name: rabbit2, type: ram}]")
		return
	}
	*nodes = NodesConfig{List: make([]NodeConfig, len(entries)), explicit: true}
	for i, entry := range entries {
		decodeJSON(problems, fmt.Sprintf("%s[%d]", key, i), entry, reflect.ValueOf(&nodes.List[i]).Elem())
	}
}

// decodeMonitoring reads true, false or settings, which are looked at one by one.
func decodeMonitoring(problems *problemList, key, text string, monitoring *MonitoringConfig) {
	if on, err := strconv.ParseBool(strings.TrimSpace(text)); err == nil {
		*monitoring = MonitoringConfig{Enabled: on}
		return
	}
	if !json.Valid([]byte(text)) || !strings.HasPrefix(strings.TrimSpace(text), "{") {
		problems.add(key, "is "+quoted(text), "write true, false, or a map such as {retention: 30d}")
		return
	}
	decodeJSON(problems, key, []byte(text), reflect.ValueOf(monitoring).Elem())
	monitoring.Enabled = true
}

// decodeHosts reads a list of hosts, which are looked at one by one.
func decodeHosts(problems *problemList, key, text string, hosts *[]topology.Host) {
	var entries []json.RawMessage
	if err := json.Unmarshal([]byte(text), &entries); err != nil {
		problems.add(key, "is "+quoted(text),
			"write a list such as [{name: h1, engine: ssh://root@192.0.2.1, address: 192.0.2.1, zone: a}, ...]")
		return
	}
	*hosts = make([]topology.Host, len(entries))
	for i, entry := range entries {
		decodeJSON(problems, fmt.Sprintf("%s[%d]", key, i), entry, reflect.ValueOf(&(*hosts)[i]).Elem())
	}
}

// decodeJSON sets a field from JSON; of a struct, each key by itself, so that no mistake hides another.
func decodeJSON(problems *problemList, key string, data []byte, field reflect.Value) {
	if field.Kind() != reflect.Struct {
		if err := json.Unmarshal(data, field.Addr().Interface()); err != nil {
			problems.add(key, "is "+quoted(string(data)), "write "+form(field.Type()))
			field.SetZero()
		} else if field.Kind() == reflect.Int && field.Int() == 0 {
			problems.add(key, "is 0", leaveOut)
		}
		return
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(data, &values); err != nil {
		problems.add(key, "is "+quoted(string(data)), "write "+form(field.Type()))
		return
	}
	fields := fieldsByKey(field)
	known := slices.Sorted(maps.Keys(fields))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		inner, ok := fields[name]
		if !ok {
			problems.add(key+"."+name, "is an unknown key", "remove it"+suggest.DidYouMean(name, known))
			continue
		}
		decodeJSON(problems, key+"."+name, values[name], inner)
	}
}

// form names the form of a value in the operator's terms.
func form(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "a whole number"
	case reflect.String:
		return "text"
	case reflect.Slice:
		return "a list, such as [rabbitmq_shovel]"
	case reflect.Map:
		return "a map, such as {rabbit2: ram}"
	default:
		return "a map of " + strings.Join(slices.Sorted(maps.Keys(fieldsByKey(reflect.New(t).Elem()))), ", ")
	}
}

// rootKey is the top-level key of a key: "nodes" of "nodes[1].name".
func rootKey(key string) string {
	if i := strings.IndexAny(key, ".["); i >= 0 {
		return key[:i]
	}
	return key
}
