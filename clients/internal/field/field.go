// Package field makes sure that header fields arrive as they were sent.
//
// AMQP 0-9-1 has fewer types than Go, and neither the client library nor the broker catches all that does not
// fit: the library cuts off integers, finds out about names that are too long only in the middle of a frame,
// at the cost of the connection, and does not read back what is nested deeper than 32 levels; RabbitMQ's
// decoder does not take floating point numbers that are not finite.
package field

import (
	"fmt"
	"math"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	// MaxShortString is how many bytes a short string has at most, such as the name of a field.
	MaxShortString = 255
	// maxDepth and maxElements are what amqp091-go reads at most.
	maxDepth    = 32
	maxElements = 8192
)

// Table returns headers as a table of the library's, with values that the library encodes faithfully, and the
// size of the encoded table in bytes. The table is a copy, so that the caller may go on using the map.
func Table(headers map[string]any) (amqp.Table, int, error) {
	if len(headers) == 0 {
		return nil, 4, nil
	}
	return table(headers, 0)
}

func table(headers map[string]any, depth int) (amqp.Table, int, error) {
	if err := fits(len(headers), depth); err != nil {
		return nil, 0, err
	}
	result := make(amqp.Table, len(headers))
	size := 4
	for name, value := range headers {
		if len(name) > MaxShortString {
			return nil, 0, fmt.Errorf("the name %.20q... is %d bytes long, at most %d are possible",
				name, len(name), MaxShortString)
		}
		v, n, err := normalise(value, depth)
		if err != nil {
			return nil, 0, fmt.Errorf("%q: %w", name, err)
		}
		result[name] = v
		size += 1 + len(name) + n
	}
	return result, size, nil
}

func array(values []any, depth int) ([]any, int, error) {
	if err := fits(len(values), depth); err != nil {
		return nil, 0, err
	}
	result := make([]any, len(values))
	size := 4
	for i, value := range values {
		v, n, err := normalise(value, depth)
		if err != nil {
			return nil, 0, fmt.Errorf("element %d: %w", i, err)
		}
		result[i] = v
		size += n
	}
	return result, size, nil
}

func fits(elements, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("it is nested deeper than %d levels", maxDepth)
	}
	if elements > maxElements {
		return fmt.Errorf("it has %d elements, at most %d are possible", elements, maxElements)
	}
	return nil
}

// normalise returns a value as the library encodes it faithfully, and the encoded size.
func normalise(value any, depth int) (any, int, error) {
	switch v := value.(type) {
	case nil:
		return v, 1, nil
	case bool, int8, uint8:
		return v, 2, nil
	case int16, uint16:
		return v, 3, nil
	case int32, uint32:
		return v, 5, nil
	case int64:
		return v, 9, nil
	case int:
		return int64(v), 9, nil // the library would make 32 bits of it
	case uint:
		return unsigned(uint64(v))
	case uint64:
		return unsigned(v)
	case float32:
		return v, 5, finite(float64(v))
	case float64:
		return v, 9, finite(v)
	case string:
		return v, 5 + len(v), nil
	case []byte:
		return append([]byte(nil), v...), 5 + len(v), nil
	case time.Time:
		return v, 9, nil
	case amqp.Decimal:
		return v, 6, nil
	case amqp.Table:
		return nested(table(v, depth+1))
	case map[string]any:
		return nested(table(v, depth+1))
	case []any:
		return nested(array(v, depth+1))
	default:
		return nil, 0, fmt.Errorf("a %T cannot be expressed in AMQP 0-9-1", value)
	}
}

func nested[T any](value T, size int, err error) (any, int, error) { return value, 1 + size, err }

func unsigned(v uint64) (any, int, error) {
	if v > math.MaxInt64 {
		return nil, 0, fmt.Errorf("%d does not fit into 64 bits with a sign, "+
			"the longest integer that RabbitMQ takes", v)
	}
	return int64(v), 9, nil
}

func finite(v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("%v is not finite, and RabbitMQ takes no such number", v)
	}
	return nil
}

// Integer is the value of a header that holds an integer of any size; 0 if it holds none.
func Integer(value any) int64 {
	switch v := value.(type) {
	case int64:
		return v
	case int32:
		return int64(v)
	case int16:
		return int64(v)
	case int8:
		return int64(v)
	case uint8:
		return int64(v)
	case uint16:
		return int64(v)
	case uint32:
		return int64(v)
	default:
		return 0
	}
}

// ShortString checks what AMQP carries with a length of one byte.
func ShortString(what, s string) error {
	if len(s) > MaxShortString {
		return fmt.Errorf("%s is %d bytes long, at most %d are possible", what, len(s), MaxShortString)
	}
	return nil
}
