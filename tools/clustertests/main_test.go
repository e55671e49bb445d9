package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestArguments(t *testing.T) {
	alone, sharing, flags := split([]string{"./infra", "./clients", "-run", "Producer", "./verify/fault"})
	assert.Equal(t, []string{"./infra"}, alone)
	assert.Equal(t, []string{"./clients", "./verify/fault"}, sharing)
	assert.Equal(t, []string{"-run", "Producer"}, flags)
}

func TestFlagsAloneGoToTheUsualPackages(t *testing.T) {
	alone, sharing, flags := split([]string{"-v"})
	assert.ElementsMatch(t, usual, append(alone, sharing...))
	assert.Contains(t, alone, "./operate/deploy")
	assert.Contains(t, sharing, "./clients")
	assert.Equal(t, []string{"-v"}, flags)
}
