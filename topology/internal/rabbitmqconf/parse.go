// Package rabbitmqconf reads lines of rabbitmq.conf as RabbitMQ does, and knows which keys an operator can't
// set because Warren depends on them.
package rabbitmqconf

import (
	"iter"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Setting is one setting in a text of rabbitmq.conf.
type Setting struct {
	Line int
	// Key is as written. Canonical is the form in which keys are compared.
	Key, Canonical, Value string
}

// Mistake is a line that a node could not read.
type Mistake struct {
	Line int
	// Text is the line. Problem continues the sentence "the line, which ...".
	Text, Problem string
}

// settingLine takes a line apart as RabbitMQ's parser does (cuttlefish's conf_parse.peg): words of a key may
// contain letters, digits, '-', '_' and dots after a backslash, and only blanks and tabs are space.
var settingLine = regexp.MustCompile(`^[ \t]*(` + word + `(?:\.` + word + `)*)[ \t]*=[ \t]*(.*)$`)

const word = `(?:\\\.|[A-Za-z0-9_-])+`

// includeLine reads another file in place of the line.
var includeLine = regexp.MustCompile(`^[ \t]*include[ \t]`)

// Parse finds the settings in a text of rabbitmq.conf. Every setting begins a line, in whatever the lines
// before it are, so that none escapes. A value must end on its line, although since 4.0 RabbitMQ lets one
// between quotes go on, because other series would not start.
func Parse(text string) (settings []Setting, mistakes []Mistake) {
	for number, line := range numbered(text) {
		content := strings.Trim(line, " \t")
		mistake := func(problem string) { mistakes = append(mistakes, Mistake{number, content, problem}) }
		parts := settingLine.FindStringSubmatch(line)
		switch {
		case content == "" || content[0] == '#':
		case !utf8.ValidString(line):
			mistake("is not UTF-8")
		case strings.ContainsFunc(line, isControl):
			mistake("contains a control character")
		case includeLine.MatchString(line) && parts == nil:
			mistake("includes a file, whose settings nobody checks")
		case parts == nil:
			mistake("is no setting")
		default:
			value, problem := valueOf(parts[2])
			if problem != "" {
				mistake(problem)
			}
			settings = append(settings, Setting{number, parts[1], canonicalKey(parts[1]), value})
		}
	}
	return settings, mistakes
}

// valueOf cuts off the comment behind a value and the quotes around it.
func valueOf(text string) (value, problem string) {
	if quoted, found := strings.CutPrefix(text, "'"); found {
		value, rest, closed := strings.Cut(quoted, "'")
		rest = strings.TrimLeft(rest, " \t")
		if !closed || strings.HasPrefix(text, "'''") || rest != "" && rest[0] != '#' {
			return "", "has a value that does not end with its quote on the same line"
		}
		return value, ""
	}
	value, _, _ = strings.Cut(text, "#")
	if value = strings.TrimRight(value, " \t"); value == "" {
		return "", "has no value"
	}
	return value, ""
}

// canonicalKey is a key in the form in which keys are compared. RabbitMQ tells upper case from lower case and
// escaped dots from others, and then knows no such key.
func canonicalKey(key string) string { return strings.ToLower(strings.ReplaceAll(key, `\.`, ".")) }

// numbered yields the lines of a text without their ends, with their numbers.
func numbered(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		number := 0
		for line := range strings.Lines(text) {
			number++
			line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
			if !yield(number, line) {
				return
			}
		}
	}
}

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
