package application

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Owned is what earlier declarations from files left in a cluster, as the cluster remembers it. For a user it
// has the fingerprint of the password's hash at that time, for all else "".
type Owned map[ID]string

// IDs are what is owned, in the order in which it is declared.
func (o Owned) IDs() []ID { return slices.SortedFunc(maps.Keys(o), compare) }

// ownedEntry is one thing in the value of the global parameter.
type ownedEntry struct {
	ID
	Fingerprint string `json:"fingerprint,omitempty"`
}

// MarshalJSON writes a sorted list.
func (o Owned) MarshalJSON() ([]byte, error) {
	entries := []ownedEntry{}
	for _, id := range o.IDs() {
		entries = append(entries, ownedEntry{id, o[id]})
	}
	return json.Marshal(map[string]any{"version": 1, "declared": entries})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (o *Owned) UnmarshalJSON(text []byte) error {
	var written struct {
		Version  int          `json:"version"`
		Declared []ownedEntry `json:"declared"`
	}
	if err := json.Unmarshal(text, &written); err != nil {
		return err
	}
	if written.Version != 1 {
		return fmt.Errorf("it has version %d, and this program knows version 1", written.Version)
	}
	*o = Owned{}
	for _, entry := range written.Declared {
		(*o)[entry.ID] = entry.Fingerprint
	}
	return nil
}

// Remember returns what is owned after a plan was carried out: the files' things that are there, and what is
// still to be removed. left are the changes that were not made, and hashes those of the users' passwords.
func (o Owned) Remember(plan Plan, left []Change, hashes map[string]string) Owned {
	owned := Owned{}
	add := func(id ID) {
		owned[id] = ""
		if hash, known := hashes[id.Name]; known && id.Kind == User {
			owned[id] = Fingerprint(hash)
		}
	}
	for _, id := range plan.Present {
		add(id)
	}
	for _, change := range plan.Changes {
		undone := slices.ContainsFunc(left, func(c Change) bool { return c.ID == change.ID })
		_, before := o[change.ID]
		switch {
		case undone && before:
			owned[change.ID] = o[change.ID]
		case undone || change.Verb == Remove:
		default:
			add(change.ID)
		}
	}
	return owned
}
