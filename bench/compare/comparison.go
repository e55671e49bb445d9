// Package compare measures the sides of a comparison: Warren with the bare client library, with stock
// settings, with the tutorial it grew from, and with the client a Go team would pick today. All sides of a
// comparison are measured in one run, on the same machine, in turns, several times over; what counts is the
// median, and how far the others lie from it.
package compare

import (
	"warren/bench/lab"
	"warren/internal/suggest"

	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Comparison measures the same thing on several sides.
type Comparison struct {
	// Name is what the user calls it by, such as "throughput/path". What comes before the slash is its group.
	Name string
	// Shows says in a sentence what the numbers mean.
	Shows string
	// Metrics are what every sample has a value of. The first is what ratios are taken of.
	Metrics []Metric
	// Sides are measured in turns: A B, A B.
	Sides []Side
	// Claims are what the comparison is to show.
	Claims []Claim
	// Once keeps a comparison that takes very long to one repetition.
	Once bool
}

// Metric is something that is measured.
type Metric struct {
	Name string `json:"name"`
	Unit Unit   `json:"unit"`
}

// Unit is what a metric's values are counted in.
type Unit string

// The units. Durations are in seconds.
const (
	PerSecond Unit = "messages/s"
	Seconds   Unit = "s"
	Messages  Unit = "messages"
	Times     Unit = "times"
)

// Side is one of the things compared.
type Side struct {
	Name string
	// Measure measures once. It leaves nothing behind.
	Measure func(context.Context, *lab.Lab) ([]Sample, error)
}

// Sample is what one measurement found. Most sides give one row; a fault that several clients suffer at the
// same time gives one for each.
type Sample struct {
	// Row names the row of the table that the values belong to; empty for the side's name.
	Row string
	// Values are by name of the metric. One that is not there could not be measured on this row.
	Values map[string]float64
	// Missing says what this machine lacks for measuring this row alone, if anything.
	Missing string
}

// Names are the names by which Select finds comparisons: their own and those of their groups.
func Names(all []Comparison) []string {
	var names []string
	for _, c := range all {
		if group, _, grouped := strings.Cut(c.Name, "/"); grouped && !slices.Contains(names, group) {
			names = append(names, group)
		}
		names = append(names, c.Name)
	}
	return names
}

// Select returns the comparisons whose name is one of names, or begins with one of them and a slash. No names
// stand for all comparisons. The error tells every name that fits none.
func Select(all []Comparison, names []string) ([]Comparison, error) {
	if len(names) == 0 {
		return all, nil
	}
	fits := func(c Comparison, name string) bool { return c.Name == name || strings.HasPrefix(c.Name, name+"/") }
	var problems []error
	for _, name := range names {
		if !slices.ContainsFunc(all, func(c Comparison) bool { return fits(c, name) }) {
			problems = append(problems, fmt.Errorf("there is no comparison %q%s (--list shows all)",
				name, suggest.DidYouMean(name, Names(all))))
		}
	}
	var selected []Comparison
	for _, c := range all {
		if slices.ContainsFunc(names, func(name string) bool { return fits(c, name) }) {
			selected = append(selected, c)
		}
	}
	return selected, errors.Join(problems...)
}
