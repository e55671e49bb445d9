package checker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"warren/verify/history"
)

// defaultGrace is the time at the edges of a fault during which a confirm that was already on its way may
// still arrive.
const defaultGrace = time.Second

// Expectation is what is promised while a fault is in effect, beyond what is promised always: that no
// confirmed message is lost and none is made up. The zero value promises nothing more.
type Expectation struct {
	// NoConfirms: no broker may take responsibility for a message, because no majority could keep it.
	NoConfirms bool `json:"noConfirms,omitempty"`
	// Grace is how long after the fault took effect confirms may still arrive under NoConfirms. Zero is
	// defaultGrace.
	Grace time.Duration `json:"grace,omitempty"`
	// MaxOutage bounds, per path, the longest time without a confirm while the fault is coming, in effect, or
	// going. The path "" stands for all paths together. A path not named has no bound.
	MaxOutage map[string]time.Duration `json:"maxOutage,omitempty"`
}

// grace is Grace or its default.
func (e Expectation) grace() time.Duration {
	if e.Grace > 0 {
		return e.Grace
	}
	return defaultGrace
}

// String says in plain words what is promised.
func (e Expectation) String() string {
	promises := []string{"No confirmed message is lost and none appears that was not sent."}
	if e.NoConfirms {
		promises = append(promises, fmt.Sprintf(
			"Nothing is confirmed while the fault is in effect (confirms on their way may arrive for %s).", e.grace()))
	}
	paths := make([]string, 0, len(e.MaxOutage))
	for path := range e.MaxOutage {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		promises = append(promises, fmt.Sprintf("Through %s, confirms pause for no longer than %s.",
			pathName(path), e.MaxOutage[path]))
	}
	return strings.Join(promises, " ")
}

// pathName names a path in a sentence; "" stands for all of them.
func pathName(path string) string {
	switch path {
	case "":
		return "all paths together"
	case history.LoadBalancer:
		return "the load balancer"
	case history.VirtualAddress:
		return "the virtual address"
	}
	return path
}
