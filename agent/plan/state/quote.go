package state

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

var plainWord = regexp.MustCompile(`^[A-Za-z0-9@%+=:,./_-]+$`)

// ShellQuote quotes a name for a command that is pasted into a shell: what comes out is one word, and has no
// control characters in it.
func ShellQuote(name string) string {
	switch {
	case plainWord.MatchString(name):
		return name
	case printable(name):
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	var b strings.Builder
	b.WriteString("$'")
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		switch {
		case r == '\'' || r == '\\':
			fmt.Fprintf(&b, `\%c`, r)
		case r != utf8.RuneError && unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			for _, c := range []byte(name[i : i+size]) {
				fmt.Fprintf(&b, `\x%02x`, c)
			}
		}
		i += size
	}
	b.WriteString("'")
	return b.String()
}

func printable(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return !unicode.IsPrint(r)
	})
}

// String names the queue for a person.
func (id QueueID) String() string {
	return fmt.Sprintf("%s in virtual host %s", strconv.Quote(id.Name), strconv.Quote(id.VHost))
}

// host is the host name in a node's name, by which containers and volumes are called.
func (n NodeName) host() string {
	if _, host, found := strings.Cut(string(n), "@"); found {
		return host
	}
	return string(n)
}

// list writes names as one reads them out.
func list[T any](items []T) string {
	words := make([]string, len(items))
	for i, item := range items {
		words[i] = fmt.Sprint(item)
	}
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// shown bounds how many queues a text names. A refusal may be about all there are.
const shown = 10

// queueList writes the names of queues, as many as one wants to read.
func queueList(queues []QueueID) string {
	if len(queues) <= shown {
		return list(queues)
	}
	return fmt.Sprintf("%s and %d more", strings.Join(stringsOf(queues[:shown]), ", "), len(queues)-shown)
}

func stringsOf(queues []QueueID) []string {
	words := make([]string, len(queues))
	for i, q := range queues {
		words[i] = q.String()
	}
	return words
}

// plural chooses a form by a number.
func plural(n int, one, more string) string {
	if n == 1 {
		return one
	}
	return more
}
