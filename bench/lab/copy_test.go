package lab

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestErlangArgsAreReplaced(t *testing.T) {
	env := []string{"A=1", "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-old", "B=2"}
	assert.Equal(t, []string{"RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-new", "A=1", "B=2"},
		withErlangArgs(env, "-new"))
}
