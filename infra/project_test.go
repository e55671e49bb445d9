package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"warren/topology/stackconfig"

	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// undeclared are the settings that Pulumi.yaml does not declare: they have no default that fits every series,
// or every number of hosts.
var undeclared = []string{"partitionHandling", "loadBalancers"}

// TestPulumiYAMLDeclaresTheSettings with the defaults that they have without it.
func TestPulumiYAMLDeclaresTheSettings(t *testing.T) {
	project, err := workspace.LoadProject("../Pulumi.yaml")
	require.NoError(t, err)
	defaults := map[string]string{}
	for name, declared := range project.Config {
		assert.NotEmpty(t, declared.Description, name)
		defaults[name] = asConfigured(t, declared.Default)
	}

	var settings []string
	for field := range reflect.TypeFor[stackconfig.Config]().Fields() {
		settings = append(settings, field.Tag.Get("json"))
	}
	assert.ElementsMatch(t, settings, slices.Concat(slices.Collect(maps.Keys(defaults)), undeclared))

	stated, err := stackconfig.Parse("dev", defaults)
	require.NoError(t, err)
	unstated, err := stackconfig.Parse("dev", nil)
	require.NoError(t, err)
	assert.Empty(t, stated.Plugins)
	stated.Plugins = unstated.Plugins // an empty list, and none
	assert.Equal(t, unstated, stated)
	assert.Equal(t, stackconfig.Warnings(unstated), stackconfig.Warnings(stated))
}

// TestTemplateAsksForSettings with the defaults that they have.
func TestTemplateAsksForSettings(t *testing.T) {
	project, err := workspace.LoadProject("../Pulumi.yaml")
	require.NoError(t, err)
	for name, asked := range project.Template.Config {
		assert.Equal(t, fmt.Sprint(project.Config[name].Default), asked.Default, name)
	}
}

// asConfigured is a value as Pulumi hands it to a program: text, or JSON.
func asConfigured(t *testing.T, value any) string {
	t.Helper()
	require.NotNil(t, value, "a setting without a default is demanded of every stack")
	if text, ok := value.(string); ok {
		return text
	}
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}
