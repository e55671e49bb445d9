package main

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
)

func TestSettingsOfAProjectWithAnotherName(t *testing.T) {
	s := settingsOf(&pulumi.RunInfo{
		Project: "shop",
		Config: map[string]string{
			"shop:nodes": "3", "shop:logLevel": "debug", "shop:adminPassword": "secret",
			"warren:nodes": "5",
			"docker:host":  "unix:///engine",
		},
		ConfigSecretKeys: []string{"shop:adminPassword"},
	})
	assert.Equal(t, "5", s.values["warren:nodes"], "Warren's own namespace wins")
	assert.Equal(t, "debug", s.values["warren:logLevel"])
	assert.Equal(t, "unix:///engine", s.dockerHost())
	assert.Contains(t, s.encrypted, "warren:adminPassword")
	assert.NotContains(t, s.encrypted, "warren:nodes")
}
