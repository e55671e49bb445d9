package lab

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A broker that says nothing holds a script up no longer than it may take.
func TestScriptsEnd(t *testing.T) {
	if _, err := PythonWithPika(); errors.As(err, new(*MissingError)) {
		t.Skip(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	const limit = 500 * time.Millisecond
	_, err = RunScript(t.Context(), limit, "amqp://user:password@"+listener.Addr().String()+"/", "flood.py", nil,
		"queue", "100", "1", "1")
	require.ErrorContains(t, err, "flood.py: it did not end within 500ms")
	require.NotContains(t, err.Error(), "password")
}
