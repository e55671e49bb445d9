package main

import (
	"slices"

	"warren/infra/secrets"
	"warren/topology"
)

// secrets returns the stack's secrets: those that are configured, and the others derived from the passphrase
// that encrypts the stack.
func (s settings) secrets(project, stack string) (topology.Secrets, error) {
	var result, derived topology.Secrets
	fields := []struct {
		key             string
		result, derived *string
	}{
		{namespace + "adminPassword", &result.AdminPassword, &derived.AdminPassword},
		{namespace + "statsPassword", &result.StatsPassword, &derived.StatsPassword},
		{namespace + "erlangCookie", &result.ErlangCookie, &derived.ErlangCookie},
	}
	var problems []topology.Problem
	missing := false
	for _, field := range fields {
		value, set := s.values[field.key]
		*field.result = value
		missing = missing || !set
		if set && !slices.Contains(s.encrypted, field.key) {
			problems = append(problems, topology.Problem{
				Key:    field.key[len(namespace):],
				Wrong:  "is stored in plain text",
				Remedy: "set it with `pulumi config set --secret " + field.key + "`",
			})
		}
	}
	if len(problems) > 0 {
		return topology.Secrets{}, &topology.ValidationError{Problems: problems}
	}
	if missing {
		var err error
		if derived, err = secrets.Derive(project, stack); err != nil {
			return topology.Secrets{}, err
		}
	}
	for _, field := range fields {
		if _, set := s.values[field.key]; !set {
			*field.result = *field.derived
		}
	}
	return result, result.Validate()
}
