package application

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"slices"
)

// Hashings are the ways in which RabbitMQ hashes passwords, of which the oldest is broken.
var Hashings = []string{"rabbit_password_hashing_sha256", "rabbit_password_hashing_sha512"}

// SaltLength is the length of the salt in front of a password's hash, as RabbitMQ has it.
const SaltLength = 4

// Hash hashes a password as RabbitMQ does: base64(salt ‖ SHA-256(salt ‖ password)), with a random salt.
func Hash(password string) string {
	salt := make([]byte, SaltLength)
	_, _ = rand.Read(salt) // never fails
	return HashWith(salt, password)
}

// HashWith hashes a password with a salt of SaltLength, by the first of Hashings.
func HashWith(salt []byte, password string) string {
	return base64.StdEncoding.EncodeToString(slices.Concat(salt, sum(Hashings[0], salt, password)))
}

// Verify tells whether a hash is of a password.
func Verify(hash, hashing, password string) bool {
	decoded, err := base64.StdEncoding.DecodeString(hash)
	if err != nil || len(decoded) <= SaltLength {
		return false
	}
	return subtle.ConstantTimeCompare(decoded[SaltLength:], sum(hashing, decoded[:SaltLength], password)) == 1
}

func sum(hashing string, salt []byte, password string) []byte {
	salted := slices.Concat(salt, []byte(password))
	if hashing == Hashings[1] {
		digest := sha512.Sum512(salted)
		return digest[:]
	}
	digest := sha256.Sum256(salted)
	return digest[:]
}

// Fingerprint tells one hash of a password from another without being of use to anybody who reads it.
func Fingerprint(hash string) string {
	digest := sha256.Sum256([]byte(hash))
	return hex.EncodeToString(digest[:8])
}
