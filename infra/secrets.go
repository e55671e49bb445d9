package main

import (
	"slices"

	"warren/topology"
	"warren/topology/stackconfig"
)

// secrets returns the secrets that are configured; the others are empty.
func (s settings) secrets() (topology.Secrets, error) {
	var configured topology.Secrets
	var problems []stackconfig.Problem
	for _, field := range []struct {
		name  string
		value *string
	}{
		{"adminPassword", &configured.AdminPassword},
		{"statsPassword", &configured.StatsPassword},
		{"erlangCookie", &configured.ErlangCookie},
	} {
		key := namespace + field.name
		value, set := s.values[key]
		if !set {
			continue
		}
		*field.value = value
		if value == "" {
			problems = append(problems, stackconfig.Problem{
				Key: field.name, Wrong: "is empty", Remedy: "set it, or leave the key out to have one generated",
			})
		}
		if !slices.Contains(s.encrypted, key) {
			problems = append(problems, stackconfig.Problem{
				Key:    field.name,
				Wrong:  "is stored in plain text",
				Remedy: "set it with `pulumi config set --secret " + key + "`",
			})
		}
	}
	if len(problems) > 0 {
		return topology.Secrets{}, &stackconfig.ValidationError{Problems: problems}
	}
	// What is left out is no mistake.
	fine := topology.Secrets{AdminPassword: "-", StatsPassword: "-", ErlangCookie: "-"}
	return configured, stackconfig.ValidateSecrets(or(configured, fine))
}
