package stackconfig

import (
	"strconv"
	"strings"
)

// quoted quotes what an operator wrote.
func quoted[T ~string](s T) string { return strconv.Quote(string(s)) }

// oneOf lists what may be written in a place.
func oneOf[T ~string](values []T) string {
	var b strings.Builder
	for i, value := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(value))
	}
	return "write one of " + b.String()
}
