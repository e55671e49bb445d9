package summary

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"warren/clients"
)

func TestProducerSummaryAddsUp(t *testing.T) {
	s := Begin()
	for i := range 100 {
		s.Add(nil, time.Duration(i+1)*time.Millisecond)
	}
	s.Add(clients.ErrNacked, 0)
	s.Complete(110, clients.ProducerStats{Accepted: 101, Confirmed: 100, Nacked: 1})
	require.EqualValues(t, 9, s.NotPublished)
	require.Equal(t, s.Asked, s.Confirmed+s.Returned+s.Nacked+s.Rejected+s.Unconfirmed+s.NotPublished)
	require.Equal(t, 50*time.Millisecond, s.Latency.Median)
	require.Equal(t, 100*time.Millisecond, s.Latency.Max)
	require.ErrorIs(t, s.Verdict(), clients.ErrNacked)
	require.ErrorContains(t, s.Verdict(), "10 of 110 messages were not confirmed")
	var out bytes.Buffer
	require.NoError(t, s.Print(&out))
	require.Contains(t, out.String(), "= confirmed  100")

	s = Begin()
	s.Complete(2, clients.ProducerStats{Accepted: 1, Confirmed: 1})
	require.ErrorContains(t, s.Verdict(), "interrupted: 1 of 2")
	s = Begin()
	s.Complete(0, clients.ProducerStats{Accepted: 5, Confirmed: 5})
	require.NoError(t, s.Verdict(), "without a number asked for, an interrupt is how it ends")
}
