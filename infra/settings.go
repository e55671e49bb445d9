package main

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/topology"
	"warren/topology/stackconfig"
)

// namespace is that of the stack's configuration: `pulumi config set warren:nodes 5`.
const namespace = "warren:"

// settings are a stack's configuration values as Pulumi hands them to a program: full keys, values as text,
// structured ones as JSON.
type settings struct {
	values map[string]string
	// encrypted are the keys of the values that are stored encrypted.
	encrypted []string
}

// settingsOf reads the settings. A project with another name than Warren's, started by `pulumi new`, has them
// in its own namespace, where Pulumi puts them by itself: `pulumi config set nodes 5`. Those in Warren's win.
func settingsOf(info *pulumi.RunInfo) settings {
	own := info.Project + ":"
	s := settings{values: maps.Clone(info.Config), encrypted: slices.Clone(info.ConfigSecretKeys)}
	for key, value := range info.Config {
		name, ok := strings.CutPrefix(key, own)
		if _, set := info.Config[namespace+name]; !ok || set {
			continue
		}
		s.values[namespace+name] = value
		if slices.Contains(info.ConfigSecretKeys, key) {
			s.encrypted = append(s.encrypted, namespace+name)
		}
	}
	return s
}

// now is the time by which certificates are judged and issued.
var now = time.Now

// resolve returns the cluster that the settings describe, and the secrets that are configured. The error
// lists every mistake at once.
func (s settings) resolve(stack string) (*topology.Cluster, topology.Secrets, error) {
	raw := map[string]string{}
	for key, value := range s.values {
		if name, ours := strings.CutPrefix(key, namespace); ours {
			raw[name] = value
		}
	}
	cluster, clusterErr := stackconfig.Parse(stack, raw)
	secrets, secretsErr := s.secrets()
	_, ownErr := s.ownCertificate(cluster, now())
	if err := joinMistakes(clusterErr, secretsErr, ownErr); err != nil {
		return nil, topology.Secrets{}, err
	}
	return cluster, secrets, nil
}

// joinMistakes makes one list of the mistakes in several errors.
func joinMistakes(errs ...error) error {
	var mistakes stackconfig.ValidationError
	var others []error
	for _, err := range errs {
		var invalid *stackconfig.ValidationError
		if errors.As(err, &invalid) {
			mistakes.Problems = append(mistakes.Problems, invalid.Problems...)
		} else {
			others = append(others, err)
		}
	}
	if len(mistakes.Problems) > 0 {
		others = slices.Insert(others, 0, error(&mistakes))
	}
	return errors.Join(others...)
}

// dockerHost is the engine that the Docker provider is configured for; empty when that is left to the
// environment.
func (s settings) dockerHost() string { return s.values["docker:host"] }
