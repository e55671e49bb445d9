// Package ids makes identifiers of messages and consumers.
package ids

import (
	"encoding/binary"
	"math/rand/v2"
)

// New returns a random UUID (RFC 9562, version 4). It needs to be unique, not secret.
func New() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], rand.Uint64())
	binary.LittleEndian.PutUint64(b[8:], rand.Uint64())
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	const digits = "0123456789abcdef"
	var text [36]byte
	i := 0
	for n, octet := range b {
		if n == 4 || n == 6 || n == 8 || n == 10 {
			text[i] = '-'
			i++
		}
		text[i], text[i+1] = digits[octet>>4], digits[octet&0x0f]
		i += 2
	}
	return string(text[:])
}
