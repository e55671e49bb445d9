package hostlab

import (
	"fmt"
	"strings"
)

// Config returns the hosts as a stack's file names them, each in a zone of its own.
func (l *Lab) Config() string {
	var b strings.Builder
	b.WriteString("config:\n  warren:hosts:\n")
	for i, h := range l.Hosts {
		fmt.Fprintf(&b, "    - {name: %s, zone: %c, address: %s, engine: \"%s\"}\n", h.Name, 'a'+i,
			h.Address, h.Engine)
	}
	return b.String()
}
