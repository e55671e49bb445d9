package crew

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"warren/verify/history"
	"warren/verify/traffic"
)

func TestChildrenAreStartedAgainAndStopped(t *testing.T) {
	recorder := history.NewRecorder("test", "p")
	done := make(chan string, 100)
	script := func(ctx context.Context, _ traffic.Path, role, prefix string) (*exec.Cmd, func() error, error) {
		say := "echo delivered p/1; sleep 60" // a consumer that stays
		if role == produce {
			say = "echo attempt $0; echo confirmed $0; exit 3" // a producer that dies
		}
		return exec.CommandContext(ctx, "sh", "-c", say, prefix), func() error { done <- role; return nil }, nil
	}
	f := startChildren([]traffic.Path{{Name: "p"}}, recorder, script)
	assert.Eventually(t, func() bool {
		return recorder.Counts().Confirmed >= 2 && recorder.Counts().Delivered == 1
	},
		10*time.Second, 10*time.Millisecond)
	began := time.Now()
	assert.NoError(t, f.Close(t.Context()))
	assert.Less(t, time.Since(began), 10*time.Second)

	h := recorder.History()
	assert.NotEqual(t, h.Publishes[0].ID, h.Publishes[1].ID, "each life has ids of its own")
	ended := 0
	for _, e := range h.Events {
		if e.Subject == "producer p" && strings.Contains(e.Text, "exit status 3") {
			ended++
		}
		assert.NotEqual(t, "consumer p", e.Subject, "it was told to end")
	}
	assert.Positive(t, ended)
	assert.GreaterOrEqual(t, len(done), 3, "every life is cleaned up after")
}
