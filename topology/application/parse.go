package application

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
func Parse(target Target, sources ...Source) (*Application, error) {
	p := &parser{target: target, seen: map[ID]Item{}}
	for _, source := range sources {
		p.file(source)
	}
	p.check()
	if err := p.problems.err(); err != nil {
		return nil, err
	}
	items := slices.SortedFunc(maps.Values(p.seen), func(a, b Item) int { return compare(a.ID, b.ID) })
	return &Application{Items: items}, nil
}

// entry is an item with the positions of what is written of it.
type entry struct {
	Item
	written map[string]member
}

// place is where a key of the entry is written, or else where the entry begins.
func (e entry) place(key string) Position {
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
	seen     map[ID]Item
	// own are users of Warren's own that an export names; nothing of theirs is the application's.
	own []string
}

// file reads one file.
func (p *parser) file(source Source) {
	var document yaml.Node
	if err := yaml.Unmarshal(source.Text, &document); err != nil {
		p.problems.add(Position{source.Name, lineOf(err)}, "the file", "is neither YAML nor JSON",
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
		i := slices.IndexFunc(sections, func(s section) bool { return s.key == key })
		switch {
		case i >= 0:
			p.section(sections[i], m)
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
func (p *parser) section(s section, m member) {
	if m.data == nil {
		return // `queues:` with nothing below asks for none
	}
	if m.list == nil && m.object != nil || m.list == nil && !isList(m.data) {
		p.problems.add(m.at, "the section "+s.key, "is no list", "write one entry a line, each with a `-`")
		return
	}
	for _, v := range m.list {
		if v.object == nil {
			p.problems.add(v.at, "an entry of "+s.key, "is no map",
				"write its keys, such as {"+strings.Join(s.requiredKeys(), ": ..., ")+": ...}")
			continue
		}
		p.entry(s, v)
	}
}

func isList(data any) bool { _, is := data.([]any); return is }

func (s section) requiredKeys() []string {
	var keys []string
	for _, key := range s.keys() {
		if s.fields[key].required {
			keys = append(keys, key)
		}
	}
	return keys
}

// entry reads one entry.
func (p *parser) entry(s section, v value) {
	e := entry{Item: Item{Properties: map[string]any{}, At: v.at}, written: v.object}
	where := s.describe(v)
	sound := true
	for _, key := range slices.Sorted(maps.Keys(v.object)) {
		m := v.object[key]
		f, known := s.fields[key]
		if !known {
			p.problems.add(m.at, where, "has the unknown key "+strconv.Quote(key),
				"remove it"+suggest.DidYouMean(key, s.keys()))
			continue
		}
		data, ok := f.read(m.value)
		if !ok {
			p.problems.add(m.at, where, fmt.Sprintf("has %s as %q", canonical(m.data), key),
				"write "+string(f.form))
			sound = false
			continue
		}
		if empty, isText := data.(string); isText && empty == "" && f.required && !f.mayBeEmpty {
			p.problems.add(m.at, where, fmt.Sprintf("has an empty %q", key), "write "+string(f.form))
			sound = false
		}
		if f.form == formPattern {
			p.pattern(m.at, where, key, plain(data))
		}
		e.Properties[key] = data
	}
	for _, key := range s.requiredKeys() {
		if _, set := v.object[key]; !set {
			p.problems.add(v.at, where, fmt.Sprintf("has no %q", key), "write "+string(s.fields[key].form))
			sound = false
		}
	}
	if !sound {
		p.remember(s, e)
		return
	}
	s.complete(e.Properties)
	for _, item := range normalise(s, e.Item) {
		p.add(entry{item, e.written})
	}
}

// remember keeps the names of an entry with mistakes, so that what refers to it is not reported as well.
func (p *parser) remember(s section, e entry) {
	s.complete(e.Properties)
	id := s.identify(e.Properties)
	if _, twice := p.seen[id]; !twice && id.Name != "" {
		p.seen[id] = Item{ID: id, Properties: e.Properties, At: e.At}
	}
}

// add takes an entry up, unless it is there twice or Warren's own.
func (p *parser) add(e entry) {
	if e.Kind == User && slices.Contains(tags(e.Item), topology.ManagedTag) {
		p.own = append(p.own, e.Name)
		return
	}
	// An export has these, and nobody can declare them.
	if e.Kind == GlobalParameter && internalParameter(e.Name) || e.Kind == Exchange && slices.Contains(predeclared, e.Name) {
		return
	}
	if first, twice := p.seen[e.ID]; twice {
		// An export has a virtual host's limits in two places.
		if e.Kind != VHostLimits || canonical(first.Properties) != canonical(e.Properties) {
			p.problems.add(e.At, e.String(), "was written before, in "+first.At.String(), "keep one of them")
		}
		return
	}
	p.seen[e.ID] = e.Item
	p.entries = append(p.entries, e)
}

// tags are the tags of a user.
func tags(user Item) []string {
	var names []string
	list, _ := user.Properties["tags"].([]any)
	for _, tag := range list {
		names = append(names, plain(tag))
	}
	return names
}

// describe names an entry for messages, as far as its name can be read.
func (s section) describe(v value) string {
	for _, key := range []string{"name", "user", "source"} {
		if m, ok := v.object[key]; ok && plain(m.data) != "" {
			return string(s.kind) + " " + plain(m.data)
		}
	}
	return string(s.kind)
}

// read returns a value in its field's form, and whether it has that form.
func (f field) read(v value) (any, bool) {
	switch f.form {
	case formText, formPattern:
		s, ok := v.data.(string)
		return s, ok
	case formNumber:
		n, ok := v.data.(int64)
		return n, ok
	case formFlag:
		b, ok := v.data.(bool)
		return b, ok
	case formObject:
		if isList(v.data) && len(v.list) == 0 {
			return map[string]any{}, true // some series export an empty map as an empty list
		}
		return v.data, v.object != nil
	case formWords:
		return wordList(v.data)
	default:
		return v.data, v.data != nil
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
