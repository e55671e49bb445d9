package lab

import "fmt"

// MissingError says that a side cannot be measured on this machine because something is missing that can be
// installed.
type MissingError struct {
	What, Hint string
}

func (e *MissingError) Error() string { return fmt.Sprintf("%s is missing: %s", e.What, e.Hint) }
