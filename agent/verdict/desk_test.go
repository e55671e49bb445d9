package verdict

import (
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ask asks as HAProxy does.
func ask(t *testing.T, address string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprint(conn, "GET /verdict HTTP/1.0\r\n\r\n")
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	return string(answer)
}

func TestDeskAnswersInHAProxysWords(t *testing.T) {
	var verdict Verdict
	desk := NewDesk(func() Verdict { return verdict })
	server := httptest.NewServer(desk)
	defer server.Close()
	address := server.Listener.Addr().String()
	for _, c := range []struct {
		verdict Verdict
		answer  string
	}{
		{Verdict{Standing: Serves}, "ready up\n"},
		{Verdict{Drains, "it was told to stop"}, "drain up #it was told to stop\n"},
		{Verdict{Fails, "no majority"}, "ready down #no majority\n"},
	} {
		verdict = c.verdict
		assert.Equal(t, c.answer, ask(t, address))
	}
}

func TestDeskKnowsWhoHasBeenTold(t *testing.T) {
	desk := NewDesk(nil)
	now := time.Now()
	assert.Zero(t, desk.Unaware(Drains, now), "nobody asks")
	desk.note("192.0.2.1:4000", Serves, now)
	desk.note("192.0.2.2:4000", Serves, now)
	assert.Equal(t, 2, desk.Unaware(Drains, now))
	desk.note("192.0.2.1:4001", Drains, now)
	assert.Equal(t, 1, desk.Unaware(Drains, now))
	assert.Equal(t, 1, desk.Unaware(Drains, now.Add(askerLasts)))
	assert.Zero(t, desk.Unaware(Drains, now.Add(askerLasts+time.Millisecond)),
		"who asks no more is not waited for")
}
