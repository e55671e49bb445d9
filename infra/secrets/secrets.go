// Package secrets makes the secrets that a stack begins with. The stack's encrypted state keeps them from
// then on, so that neither another passphrase nor another clone changes them.
package secrets

import (
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"warren/topology"
)

const (
	// iterations makes guessing a person's passphrase from a derived secret as expensive as Pulumi makes
	// guessing it from the stack's own encryption. Stretching a passphrase takes a fraction of a second.
	iterations = 600_000
	// derivedBytes is the length of a derived secret before it is written in base64: 192 bits.
	derivedBytes = 24
	// ownerBytes is the length of an owner's identifier: enough to tell clones apart.
	ownerBytes = 8
)

// First returns the secrets that a cluster of that name begins with. They follow from the passphrase that
// encrypts the stack, the project and the name, as they did before states kept them: a stack from that time
// goes on with those it has. Without a passphrase they are drawn at random.
func First(project, cluster string) (topology.Secrets, error) {
	passphrase, err := passphrase()
	if err != nil {
		return topology.Secrets{}, err
	}
	if passphrase == "" {
		return topology.Secrets{AdminPassword: draw(), StatsPassword: draw(), ErlangCookie: draw()}, nil
	}
	return derive(passphrase, project+"/"+cluster)
}

// Owner draws an identifier of a deployment state, as topology.LabelOwner has it.
func Owner() string { return hex.EncodeToString(random(ownerBytes)) }

func draw() string { return base64.RawURLEncoding.EncodeToString(random(derivedBytes)) }

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}

func derive(passphrase, salt string) (derived topology.Secrets, err error) {
	key, err := pbkdf2.Key(sha256.New, passphrase, []byte(salt), iterations, sha256.Size)
	if err != nil {
		return topology.Secrets{}, err
	}
	for purpose, value := range map[string]*string{
		"administrator's password": &derived.AdminPassword,
		"statistics password":      &derived.StatsPassword,
		"Erlang cookie":            &derived.ErlangCookie,
	} {
		secret, err := hkdf.Expand(sha256.New, key, purpose, derivedBytes)
		if err != nil {
			return topology.Secrets{}, err
		}
		// Letters, digits, '-' and '_' need no quoting in any of the files and addresses that have a secret.
		*value = base64.RawURLEncoding.EncodeToString(secret)
	}
	return derived, nil
}

// passphrase is that of the stack's secrets, from where Pulumi takes it; empty if there is none.
func passphrase() (string, error) {
	if value, set := os.LookupEnv("PULUMI_CONFIG_PASSPHRASE"); set {
		return value, nil
	}
	file := os.Getenv("PULUMI_CONFIG_PASSPHRASE_FILE")
	if file == "" {
		return "", nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("PULUMI_CONFIG_PASSPHRASE_FILE: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}
