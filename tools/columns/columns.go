package main

import (
	"go/scanner"
	"go/token"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

const (
	// limit is the most columns of a line. Each character is one, a tab as well.
	limit = 110
	// longWord is from how many columns on a word without blanks, such as an address, excuses its line.
	longWord = 80
)

// line is a line that is too long.
type line struct{ number, columns int }

// tooLong returns the lines of a file that are too long and could be broken. What can't be broken is a word
// of longWord columns or more, a row of a table in Markdown, and in Go a raw string and a directive.
func tooLong(file string, text []byte) []line {
	isGo := filepath.Ext(file) == ".go"
	var raw map[int]bool
	if isGo {
		raw = rawLines(text)
	}
	var long []line
	for i, l := range strings.Split(string(text), "\n") {
		columns := utf8.RuneCountInString(l)
		switch {
		case columns <= limit, hasLongWord(l):
		case isGo && (raw[i+1] || strings.HasPrefix(l, "//go:")):
		case !isGo && strings.HasPrefix(strings.TrimSpace(l), "|"):
		default:
			long = append(long, line{i + 1, columns})
		}
	}
	return long
}

func hasLongWord(l string) bool {
	for word := range strings.FieldsSeq(l) {
		if utf8.RuneCountInString(word) >= longWord {
			return true
		}
	}
	return false
}

// rawLines are the numbers of the lines on which a raw string goes beyond the limit. Such a string is shown
// or run as it is written.
func rawLines(text []byte) map[int]bool {
	set := token.NewFileSet()
	file := set.AddFile("", -1, len(text))
	var s scanner.Scanner
	s.Init(file, text, nil, 0)
	lines := map[int]bool{}
	for {
		pos, kind, literal := s.Scan()
		if kind == token.EOF {
			return lines
		}
		if kind != token.STRING || !strings.HasPrefix(literal, "`") {
			continue
		}
		at := file.Position(pos)
		before := utf8.RuneCount(text[at.Offset-at.Column+1 : at.Offset])
		for i, part := range strings.Split(literal, "\n") {
			if before+utf8.RuneCountInString(part) > limit {
				lines[at.Line+i] = true
			}
			before = 0
		}
	}
}
