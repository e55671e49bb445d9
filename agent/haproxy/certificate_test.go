package haproxy

import (
	"bufio"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serve answers commands on a socket, as HAProxy does, and returns those that it was given.
func serve(t *testing.T, answers map[string]string) (socket string, given func() []string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	commands := make(chan string, 10)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			commands <- answer(conn, answers)
		}
	}()
	return socket, func() []string {
		require.NoError(t, l.Close())
		<-done
		close(commands)
		var all []string
		for c := range commands {
			all = append(all, c)
		}
		return all
	}
}

func answer(conn net.Conn, answers map[string]string) string {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	text, _ := reader.ReadString('\n')
	for strings.Contains(text, "<<") && !strings.HasSuffix(text, "\n\n") {
		line, err := reader.ReadString('\n')
		if err != nil {
			break
		}
		text += line
	}
	word, _, _ := strings.Cut(text, " ")
	_, _ = conn.Write([]byte(answers[word]))
	return text
}

func TestSetCertificate(t *testing.T) {
	socket, given := serve(t, map[string]string{
		"abort": "No ongoing transaction!\n", "set": "Transaction created for certificate /c!\n",
		"commit": "Committing /c.\nSuccess!\n",
	})
	require.NoError(t, SetCertificate(t.Context(), socket, "/c", "key\nchain\n"))
	assert.Equal(t, []string{"abort ssl cert /c\n", "set ssl cert /c <<\nkey\nchain\n\n",
		"commit ssl cert /c\n"}, given())
}

func TestACertificateThatIsNotTaken(t *testing.T) {
	socket, given := serve(t, map[string]string{"set": "unable to load certificate\n"})
	err := SetCertificate(t.Context(), socket, "/c", "secret\n")
	require.ErrorContains(t, err, "unable to load certificate")
	assert.NotContains(t, err.Error(), "secret")
	assert.Len(t, given(), 2, "it is not committed")

	assert.ErrorContains(t, SetCertificate(t.Context(), socket, "/c", "a\n\nb"), "empty line")
	assert.Error(t, SetCertificate(t.Context(), socket, "/c", "a"), "nobody listens any more")
}
