package appfile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"warren/internal/suggest"
	"warren/topology"
	"warren/topology/application"
)

// Source is the text of a file.
type Source struct {
	// Name is how messages call the file.
	Name string
	Text []byte
}

// Target is the cluster that an application is written for.
type Target struct {
	// Series decides which arguments and policies there are.
	Series topology.Series
	// Plugins are those that are enabled, without which some parameters and exchange types are unknown.
	Plugins []string
	// Reserved are the users that an application can't have: the administrator and Warren's own.
	Reserved []string
}

// Parse reads an application from files. The error is an *Error with every mistake in all of them.
func Parse(target Target, sources ...Source) (*application.Application, error) {
	p := &parser{target: target, seen: map[application.ID]application.Item{}}
	for _, source := range sources {
		p.file(source)
	}
	p.check()
	if err := p.problems.err(); err != nil {
		return nil, err
	}
	return application.New(maps.Values(p.seen)), nil
}

// entry is an item with the positions of what is written of it.
type entry struct {
	application.Item
	written map[string]member
}

// place is where a key of the entry is written, or else where the entry begins.
func (e entry) place(key string) application.Position {
	if m, ok := e.written[key]; ok {
		return m.at
	}
	return e.At
}

// parser collects what files say, and what is wrong with it.
type parser struct {
	target   Target
	problems problems
	entries  []entry
	seen     map[application.ID]application.Item
	// own are users of Warren's own that an export names; nothing of theirs is the application's.
	own []string
}

// file reads one file.
func (p *parser) file(source Source) {
	var document yaml.Node
	if err := yaml.Unmarshal(source.Text, &document); err != nil {
		p.problems.add(application.Position{File: source.Name, Line: lineOf(err)}, "the file",
			"is neither YAML nor JSON",
			strings.TrimPrefix(err.Error(), "yaml: "))
		return
	}
	if len(document.Content) == 0 {
		return // an empty file asks for nothing
	}
	root := reader{source.Name, &p.problems, new(int)}.value(document.Content[0], 0)
	if root.object == nil {
		p.problems.add(root.at, "the file", "is no map", "write sections such as `queues:` with a list each")
		return
	}
	for _, key := range slices.Sorted(maps.Keys(root.object)) {
		m := root.object[key]
		i := slices.IndexFunc(application.Sections, func(s application.Section) bool { return s.Key == key })
		switch {
		case i >= 0:
			p.section(application.Sections[i], m)
		case !slices.Contains(ignored, key):
			p.problems.add(m.at, "the key "+strconv.Quote(key), "is unknown",
				"remove it"+suggest.DidYouMean(key, sectionKeys()))
		}
	}
}

var linePattern = regexp.MustCompile(`line (\d+)`)

// lineOf is the line that an error of the YAML library names, 1 if it names none.
func lineOf(err error) int {
	if m := linePattern.FindStringSubmatch(err.Error()); m != nil {
		line, _ := strconv.Atoi(m[1]) // the pattern admits digits only
		return line
	}
	return 1
}

// section reads the entries of one section.
func (p *parser) section(s application.Section, m member) {
	if m.data == nil {
		return // `queues:` with nothing below asks for none
	}
	if m.list == nil && m.object != nil || m.list == nil && !isList(m.data) {
		p.problems.add(m.at, "the section "+s.Key, "is no list", "write one entry a line, each with a `-`")
		return
	}
	for _, v := range m.list {
		if v.object == nil {
			p.problems.add(v.at, "an entry of "+s.Key, "is no map",
				"write its keys, such as {"+strings.Join(s.RequiredKeys(), ": ..., ")+": ...}")
			continue
		}
		p.entry(s, v)
	}
}

// entry reads one entry.
func (p *parser) entry(s application.Section, v value) {
	e := entry{Item: application.Item{Properties: map[string]any{}, At: v.at}, written: v.object}
	where := describe(s, v)
	sound := true
	for _, key := range slices.Sorted(maps.Keys(v.object)) {
		m := v.object[key]
		f, known := s.Fields[key]
		if !known {
			p.problems.add(m.at, where, "has the unknown key "+strconv.Quote(key),
				"remove it"+suggest.DidYouMean(key, s.Keys()))
			continue
		}
		data, ok := f.Read(m.data)
		if !ok {
			p.problems.add(m.at, where, fmt.Sprintf("has %s as %q", application.Canonical(m.data), key),
				"write "+string(f.Form))
			sound = false
			continue
		}
		if empty, isText := data.(string); isText && empty == "" && f.Required && !f.MayBeEmpty {
			p.problems.add(m.at, where, fmt.Sprintf("has an empty %q", key), "write "+string(f.Form))
			sound = false
		}
		if f.Form == application.FormPattern {
			p.pattern(m.at, where, key, application.Text(data))
		}
		e.Properties[key] = data
	}
	for _, key := range s.RequiredKeys() {
		if _, set := v.object[key]; !set {
			p.problems.add(v.at, where, fmt.Sprintf("has no %q", key), "write "+string(s.Fields[key].Form))
			sound = false
		}
	}
	if !sound {
		p.remember(s, e)
		return
	}
	s.Complete(e.Properties)
	for _, item := range s.Normalise(e.Item) {
		p.add(entry{item, e.written})
	}
}

// remember keeps the names of an entry with mistakes, so that what refers to it is not reported as well.
func (p *parser) remember(s application.Section, e entry) {
	s.Complete(e.Properties)
	id := s.Identify(e.Properties)
	if _, twice := p.seen[id]; !twice && id.Name != "" {
		p.seen[id] = application.Item{ID: id, Properties: e.Properties, At: e.At}
	}
}

// add takes an entry up, unless it is there twice or Warren's own.
func (p *parser) add(e entry) {
	if e.Kind == application.User && slices.Contains(e.Tags(), topology.ManagedTag) {
		p.own = append(p.own, e.Name)
		return
	}
	// An export has these, and nobody can declare them.
	if e.Internal() {
		return
	}
	if first, twice := p.seen[e.ID]; twice {
		// An export has a virtual host's limits in two places.
		if e.Kind != application.VHostLimits ||
			application.Canonical(first.Properties) != application.Canonical(e.Properties) {
			p.problems.add(e.At, e.String(), "was written before, in "+first.At.String(), "keep one of them")
		}
		return
	}
	p.seen[e.ID] = e.Item
	p.entries = append(p.entries, e)
}

// describe names an entry for messages, as far as its name can be read.
func describe(s application.Section, v value) string {
	for _, key := range []string{"name", "user", "source"} {
		if m, ok := v.object[key]; ok && application.Text(m.data) != "" {
			return string(s.Kind) + " " + application.Text(m.data)
		}
	}
	return string(s.Kind)
}

// ignored are the keys of RabbitMQ's export that say nothing of the application.
var ignored = []string{
	"rabbit_version", "rabbitmq_version", "product_name", "product_version", "rabbitmq_definition_format",
	"original_cluster_name", "explanation",
}

// sectionKeys are the keys that a file may have.
func sectionKeys() []string {
	var keys []string
	for _, s := range application.Sections {
		keys = append(keys, s.Key)
	}
	return keys
}

func isList(data any) bool { _, is := data.([]any); return is }
