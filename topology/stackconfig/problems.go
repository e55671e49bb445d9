package stackconfig

import (
	"fmt"
	"strings"
)

// ValidationError lists every mistake that was found in a configuration.
type ValidationError struct {
	Problems []Problem
}

// Problem is one mistake in a configuration.
type Problem struct {
	// Key is where it is, without the namespace: "ports.amqp", "nodes[1].name".
	Key string
	// Wrong says what is wrong, Remedy what to do about it.
	Wrong, Remedy string
}

// String returns the problem in one line.
func (p Problem) String() string { return fmt.Sprintf("warren:%s %s: %s", p.Key, p.Wrong, p.Remedy) }

// Error lists the problems, one per line.
func (e *ValidationError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the configuration has %s:", plural(len(e.Problems), "mistake"))
	for _, p := range e.Problems {
		fmt.Fprintf(&b, "\n  - %s", p)
	}
	return b.String()
}

// problemList collects problems while a configuration is looked through.
type problemList []Problem

func (l *problemList) add(key, wrong, remedy string) {
	*l = append(*l, Problem{Key: key, Wrong: wrong, Remedy: remedy})
}

// err returns a ValidationError, or nil when there are no problems.
func (l problemList) err() error {
	if len(l) == 0 {
		return nil
	}
	return &ValidationError{Problems: l}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
