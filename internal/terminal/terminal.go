// Package terminal writes text that comes from elsewhere so that a terminal shows it and nothing else
// happens: names of queues may hold anything.
package terminal

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Escape replaces what is not printable by Go's escape sequences: control characters, line breaks,
// characters that change the direction of text, bytes that are not UTF-8. All else stays as it is, blanks
// included.
func Escape(text string) string {
	if !strings.ContainsFunc(text, hidden) {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case !hidden(r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < utf8.RuneSelf:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
		text = text[size:]
	}
	return b.String()
}

// hidden tells whether a character is not to be written as it is. A byte that is not UTF-8 decodes to the
// replacement character, as does that character itself.
func hidden(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }
