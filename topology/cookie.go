package topology

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
)

const (
	fingerprintBytes = 8
	// fingerprintRounds make it slow to try guesses of a cookie that a person chose against its fingerprint.
	fingerprintRounds = 100_000
)

// CookieFingerprint tells the Erlang cookie of a stack from another one, as LabelCookie records it. The
// cookie can't be calculated from it, and cookies of different stacks can't be compared by it.
func (s Secrets) CookieFingerprint(stack string) string {
	salt := []byte("warren cookie fingerprint\x00" + stack)
	key, err := pbkdf2.Key(sha256.New, s.ErlangCookie, salt, fingerprintRounds, fingerprintBytes)
	if err != nil {
		panic("topology: " + err.Error()) // only for parameters that the standards forbid
	}
	return hex.EncodeToString(key)
}
