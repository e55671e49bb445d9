package appfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"warren/topology/application"
)

// Problem is one mistake in a file.
type Problem struct {
	At application.Position
	// Where names the thing: "queue orders", or a key.
	Where string
	// Wrong says what is wrong, Remedy what to do about it.
	Wrong, Remedy string
}

// String returns the problem in one line.
func (p Problem) String() string {
	return fmt.Sprintf("%s: %s %s: %s", p.At, p.Where, p.Wrong, p.Remedy)
}

// Error lists every mistake that was found in an application's files, by file and line.
type Error struct {
	Problems []Problem
}

// Error lists the problems, one per line.
func (e *Error) Error() string {
	var b strings.Builder
	noun := "mistakes"
	if len(e.Problems) == 1 {
		noun = "mistake"
	}
	fmt.Fprintf(&b, "the application has %d %s; nothing was changed:", len(e.Problems), noun)
	for _, p := range e.Problems {
		fmt.Fprintf(&b, "\n  %s", p)
	}
	return b.String()
}

// problems collects mistakes.
type problems []Problem

func (p *problems) add(at application.Position, where, wrong, remedy string) {
	*p = append(*p, Problem{At: at, Where: where, Wrong: wrong, Remedy: remedy})
}

// err returns an *Error with the problems in the order of the lines, or nil if there are none.
func (p problems) err() error {
	if len(p) == 0 {
		return nil
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.At.File, b.At.File), cmp.Compare(a.At.Line, b.At.Line))
	})
	return &Error{Problems: p}
}
