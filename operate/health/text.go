package health

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"warren/topology"
)

// join lists node names for people: the "rabbit@" that all share is noise.
func join(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	short := make([]string, len(names))
	for i, name := range names {
		short[i] = topology.HostOfNode(name)
	}
	return strings.Join(short, ", ")
}

// without returns the elements of a that b lacks.
func without(a, b []string) []string {
	var rest []string
	for _, element := range a {
		if element != "" && !slices.Contains(b, element) {
			rest = append(rest, element)
		}
	}
	return rest
}

// Bytes is an amount of memory or disk for people, in binary units.
func Bytes(n int64) string {
	const unit = 1024
	if n < unit {
		return strconv.FormatInt(n, 10) + " B"
	}
	value, exponent := float64(n)/unit, 0
	for value >= unit && exponent < len("KMGTPE")-1 {
		value /= unit
		exponent++
	}
	return fmt.Sprintf("%.1f %ciB", value, "KMGTPE"[exponent])
}
