// Package summary adds up what became of the messages of `warren produce`.
package summary

import (
	"fmt"
	"io"
	"math/rand/v2"
	"text/tabwriter"
	"time"

	"warren/clients"
	"warren/verify/checker"
)

// maxLatencies bounds the memory of a long run: of more messages than that, the percentiles are those of an
// even sample.
const maxLatencies = 1 << 20

// Producer is the account of a run of `warren produce`. Asked is the sum of Confirmed, Returned,
// Nacked, Rejected, Unconfirmed and NotPublished.
type Producer struct {
	Asked int64 `json:"asked"`
	clients.ProducerStats
	// NotPublished counts messages that were never begun, because of an interrupt.
	NotPublished int64   `json:"notPublished"`
	Seconds      float64 `json:"seconds"`
	// Latency is the time from the call to publish to the confirm, in nanoseconds, of the confirmed messages.
	Latency checker.Latency `json:"confirmLatency"`

	begun     time.Time
	latencies []time.Duration
	slowest   time.Duration
	failure   error // the first
}

// Begin begins the account of a run, now.
func Begin() *Producer { return &Producer{begun: time.Now()} }

// Add takes note of one outcome.
func (s *Producer) Add(err error, latency time.Duration) {
	if err != nil {
		if s.failure == nil {
			s.failure = err
		}
		return
	}
	s.Confirmed++
	s.slowest = max(s.slowest, latency)
	if len(s.latencies) < maxLatencies {
		s.latencies = append(s.latencies, latency)
	} else if i := rand.Int64N(s.Confirmed); i < maxLatencies {
		s.latencies[i] = latency
	}
}

// Complete works out the sums. asked is 0 if no number was asked for.
func (s *Producer) Complete(asked int, stats clients.ProducerStats) {
	s.ProducerStats = stats
	s.Asked = int64(asked)
	if asked == 0 {
		s.Asked = stats.Accepted
	}
	s.NotPublished = s.Asked - stats.Accepted
	s.Seconds = time.Since(s.begun).Seconds()
	s.Latency = checker.Percentiles(s.latencies)
	s.Latency.Max = s.slowest
}

// Verdict is an error unless every message was confirmed.
func (s *Producer) Verdict() error {
	switch {
	case s.failure != nil:
		return fmt.Errorf("%d of %d messages were not confirmed, the first because: %w", s.Asked-s.Confirmed,
			s.Asked, s.failure)
	case s.NotPublished > 0:
		return fmt.Errorf("interrupted: %d of %d messages were not published", s.NotPublished, s.Asked)
	default:
		return nil
	}
}

// Print shows the account as a sum.
func (s *Producer) Print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(what string, n int64) { fmt.Fprintf(table, "%s\t%d\t\n", what, n) }
	fmt.Fprintln(table)
	row("asked for", s.Asked)
	row("= confirmed", s.Confirmed)
	row("+ returned (unroutable)", s.Returned)
	row("+ nacked (queue full)", s.Nacked)
	row("+ rejected", s.Rejected)
	row("+ unconfirmed (outcome unknown)", s.Unconfirmed)
	row("+ not published", s.NotPublished)
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\nwritten %d times, %d nacks, %d reconnects, %d moves to the leader's node, "+
		"in %.1f s: %.0f confirmed per second\nconfirm latency: median %v, 95%% %v, 99%% %v, slowest %v\n",
		s.Published, s.Nacks, s.Reconnects, s.Moves, s.Seconds, float64(s.Confirmed)/s.Seconds,
		s.Latency.Median.Round(time.Microsecond), s.Latency.P95.Round(time.Microsecond),
		s.Latency.P99.Round(time.Microsecond), s.Latency.Max.Round(time.Microsecond))
	return err
}

// Line is the live line.
func Line(s clients.ProducerStats) string {
	return fmt.Sprintf("published %d, confirmed %d, returned %d, nacked %d, rejected %d, unconfirmed %d, in "+
		"flight %d, reconnects %d",
		s.Published, s.Confirmed, s.Returned, s.Nacks, s.Rejected, s.Unconfirmed, s.InFlight, s.Reconnects)
}
