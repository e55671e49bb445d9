// Package secrets derives a stack's secrets from the passphrase that encrypts the stack. They are the same at
// every deployment, also after one that failed, and nothing but the stack's encrypted state stores them.
package secrets

import (
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"warren/topology"
)

// ErrNoPassphrase says that there is nothing to derive secrets from, and what to do.
var ErrNoPassphrase = errors.New(
	`the stack's secrets are not set, and there is no passphrase to derive them from.
Set PULUMI_CONFIG_PASSPHRASE_FILE or PULUMI_CONFIG_PASSPHRASE to a passphrase that is not empty,
or set all three secrets:
  pulumi config set --secret warren:adminPassword
  pulumi config set --secret warren:statsPassword
  pulumi config set --secret warren:erlangCookie`)

const (
	// iterations makes guessing a person's passphrase from a derived secret as expensive as Pulumi makes
	// guessing it from the stack's own encryption. Stretching a passphrase takes a fraction of a second.
	iterations = 600_000
	// derivedBytes is the length of a derived secret before it is written in base64: 192 bits.
	derivedBytes = 24
)

// Derive derives all secrets of the cluster of that name. The project and the name make them unique.
func Derive(project, cluster string) (topology.Secrets, error) {
	passphrase, err := passphrase()
	if err != nil {
		return topology.Secrets{}, err
	}
	if passphrase == "" {
		return topology.Secrets{}, ErrNoPassphrase
	}
	key, err := pbkdf2.Key(sha256.New, passphrase, []byte(project+"/"+cluster), iterations, sha256.Size)
	if err != nil {
		return topology.Secrets{}, err
	}
	var derived topology.Secrets
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
