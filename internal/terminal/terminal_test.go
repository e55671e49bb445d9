package terminal

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestEscape(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"orders.eu-west 1":       "orders.eu-west 1",
		"Zürich 東京":              "Zürich 東京",
		"\x1b[2Jclear":           `\x1b[2Jclear`,
		"two\nlines\tand\r":      `two\nlines\tand\x0d`,
		"\u009b31m":              `\u009b31m`,
		"\u202Etxt.exe":          `\u202etxt.exe`,
		"not \xff UTF-8":         `not \xff UTF-8`,
		"tag \U000e0041":         `tag \U000e0041`,
		"a replacement: \ufffd.": `a replacement: \ufffd.`,
	} {
		assert.Equal(t, want, Escape(text))
	}
}

func TestWhatIsEscapedIsPrintable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string {
			return string(b)
		})).Draw(t, "text")
		escaped := Escape(text)
		if !utf8.ValidString(escaped) {
			t.Fatalf("%q is not UTF-8", escaped)
		}
		for _, r := range escaped {
			if !unicode.IsPrint(r) {
				t.Fatalf("%q has %U", escaped, r)
			}
		}
		if Escape(escaped) != escaped {
			t.Fatalf("%q is escaped again", escaped)
		}
	})
}
