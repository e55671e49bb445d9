package main

import (
	"crypto/hkdf"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"warren/topology"
)

// errNoPassphrase tells how to give a stack its secrets when there is nothing to derive them from.
var errNoPassphrase = errors.New(`the stack's secrets are not set, and there is no passphrase to derive them from.
Set PULUMI_CONFIG_PASSPHRASE_FILE or PULUMI_CONFIG_PASSPHRASE to a passphrase that is not empty, or set all three secrets:
  pulumi config set --secret warren:adminPassword
  pulumi config set --secret warren:statsPassword
  pulumi config set --secret warren:erlangCookie`)

const (
	// stretching makes guessing a human's passphrase from a derived secret as dear as Pulumi makes guessing it from
	// the stack's own encryption; it takes a fraction of a second.
	stretching = 600_000
	// derivedBytes is the length of a derived secret before it is written in base64: 192 bits.
	derivedBytes = 24
)

// secrets returns the stack's secrets: those that are configured, and the others derived from the passphrase that
// encrypts the stack. Derived ones are the same at every deployment, also after one that failed, and nothing but the
// stack's encrypted state stores them.
func (s settings) secrets(project, stack string) (topology.Secrets, error) {
	var (
		secrets  topology.Secrets
		problems []topology.Problem
		derived  []func(key []byte) error
	)
	for _, secret := range []struct {
		key, purpose string
		value        *string
	}{
		{"adminPassword", "administrator's password", &secrets.AdminPassword},
		{"statsPassword", "statistics password", &secrets.StatsPassword},
		{"erlangCookie", "Erlang cookie", &secrets.ErlangCookie},
	} {
		value, set := s.values[namespace+secret.key]
		switch {
		case !set:
			derived = append(derived, func(key []byte) (err error) {
				*secret.value, err = derive(key, secret.purpose)
				return err
			})
		case !slices.Contains(s.encrypted, namespace+secret.key):
			problems = append(problems, topology.Problem{
				Key:    secret.key,
				Wrong:  "is stored in plain text",
				Remedy: "set it with `pulumi config set --secret " + namespace + secret.key + "`",
			})
		}
		*secret.value = value
	}
	if len(problems) > 0 {
		return topology.Secrets{}, &topology.ValidationError{Problems: problems}
	}
	if len(derived) > 0 {
		key, err := stackKey(project, stack)
		if err != nil {
			return topology.Secrets{}, err
		}
		for _, derive := range derived {
			if err := derive(key); err != nil {
				return topology.Secrets{}, err
			}
		}
	}
	return secrets, secrets.Validate()
}

// stackKey stretches the passphrase to the key that the stack's secrets are derived from.
func stackKey(project, stack string) ([]byte, error) {
	passphrase, err := passphrase()
	if err != nil {
		return nil, err
	}
	if passphrase == "" {
		return nil, errNoPassphrase
	}
	return pbkdf2.Key(sha256.New, passphrase, []byte(project+"/"+stack), stretching, sha256.Size)
}

// derive returns the secret for a purpose. Letters, digits, '-' and '_' need no quoting in any of the files and
// addresses that it goes into.
func derive(key []byte, purpose string) (string, error) {
	secret, err := hkdf.Expand(sha256.New, key, purpose, derivedBytes)
	return base64.RawURLEncoding.EncodeToString(secret), err
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
