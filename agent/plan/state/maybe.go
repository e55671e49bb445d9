package state

import "encoding/json"

// Maybe is a fact that may be unknown, because nobody who knows it answered. The zero value is unknown. In
// JSON, unknown is null.
type Maybe[T comparable] struct {
	value T
	known bool
}

// Known is a fact that is known.
func Known[T comparable](value T) Maybe[T] { return Maybe[T]{value: value, known: true} }

// Get returns the fact, and whether it is known.
func (m Maybe[T]) Get() (value T, known bool) { return m.value, m.known }

// Is tells whether the fact is known and has this value.
func (m Maybe[T]) Is(value T) bool { return m.known && m.value == value }

// Or returns the fact, or a default if it is unknown.
func (m Maybe[T]) Or(unknown T) T {
	if m.known {
		return m.value
	}
	return unknown
}

// MarshalJSON writes null for what is unknown.
func (m Maybe[T]) MarshalJSON() ([]byte, error) {
	if !m.known {
		return []byte("null"), nil
	}
	return json.Marshal(m.value)
}

// UnmarshalJSON reads null as unknown.
func (m *Maybe[T]) UnmarshalJSON(data []byte) error {
	*m = Maybe[T]{}
	if string(data) == "null" {
		return nil
	}
	m.known = true
	return json.Unmarshal(data, &m.value)
}
