package cluster

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGreet(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	answers := make(chan string, 1)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, len(protocolHeader)))
			_, _ = conn.Write([]byte(<-answers))
			_ = conn.Close()
		}
	}()
	address := listener.Addr().String()

	answers <- "\x01\x00\x00"
	require.NoError(t, Greet(t.Context(), address))
	answers <- protocolHeader // how a server declines the version
	require.ErrorContains(t, Greet(t.Context(), address), "does not speak AMQP")
	answers <- "" // a published port with nobody behind it
	require.ErrorContains(t, Greet(t.Context(), address), "does not greet")
	require.NoError(t, listener.Close())
	require.ErrorContains(t, Greet(t.Context(), address), "refused")
}
