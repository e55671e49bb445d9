package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLinesThatAreTooLongAreFound(t *testing.T) {
	words := func(n int) string { return strings.Repeat("word ", n/5-1) + "words" }
	address := "https://example.com/" + strings.Repeat("a", 100)
	for name, test := range map[string]struct {
		file, text string
		want       []line
	}{
		"as long as it may be":  {"a.md", words(110), nil},
		"one column more":       {"a.md", "first\n" + words(110) + "s\nlast", []line{{2, 111}}},
		"characters, not bytes": {"a.md", strings.Replace(words(110), "o", "ö", 20), nil},
		"a tab is one column":   {"a.go", "\t\t//" + words(110)[4:], nil},
		"a comment":             {"a.go", "package a\n\n// " + words(110), []line{{3, 113}}},
		"a string that can be broken": {"a.go", "package a\n\nconst a = \"" + words(110) + `"`,
			[]line{{3, 122}}},
		"a raw string": {"a.go", "package a\n\nconst a = `\n" + words(120) + "`", nil},
		"a raw string that does not reach": {"a.go", "package a\n\nvar a = f(`a`, \"" + words(110) + `")`,
			[]line{{3, 128}}},
		"a directive":                  {"a.go", "//go:generate " + words(110), nil},
		"a directive in prose":         {"a.md", "//go:generate " + words(110), []line{{1, 124}}},
		"a row of a table":             {"a.md", "| " + words(110) + " |", nil},
		"a row that is no table in Go": {"a.go", "package a\n\n// | " + words(110) + " |", []line{{3, 117}}},
		"an address":                   {"a.go", "package a\n\n// See " + address, nil},
		"an address in prose":          {"a.md", "See " + address, nil},
	} {
		assert.Equal(t, test.want, tooLong(test.file, []byte(test.text)), name)
	}
}
