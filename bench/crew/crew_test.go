package crew

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"warren/verify/history"
)

func TestWhatChildrenSayIsRecorded(t *testing.T) {
	recorder := history.NewRecorder("test")
	f := &children{recorder: recorder}
	f.record(strings.NewReader("attempt p/1\nnoise\nconfirmed p/1\nattempt p/2\nfailed p/2 connection "+
		"lost\nattempt p/3\nconfirmed p/9\ndelivered p/1\n"),
		"producer", "path")
	h := recorder.History()
	outcomes := map[string]history.Outcome{}
	for _, p := range h.Publishes {
		outcomes[p.ID] = p.Outcome
		assert.Equal(t, "path", p.Path)
	}
	assert.Equal(t, map[string]history.Outcome{"p/1": history.Confirmed, "p/2": history.Unknown,
		"p/3": history.Unknown}, outcomes)
	assert.Equal(t, "connection lost", h.Publishes[1].Error)
	assert.Len(t, h.Deliveries, 1)
}

func TestTailKeepsTheEnd(t *testing.T) {
	var said tail
	for range 100 {
		_, err := said.Write([]byte(strings.Repeat("x", 100)))
		assert.NoError(t, err)
	}
	_, err := said.Write([]byte("the end"))
	assert.NoError(t, err)
	assert.Equal(t, tailSize, said.Len())
	assert.True(t, strings.HasSuffix(said.String(), "the end"))
}
