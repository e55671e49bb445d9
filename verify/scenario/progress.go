package scenario

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"warren/verify/history"
	"warren/verify/report"
)

// Progress is a moment of a scenario.
type Progress struct {
	Scenario, Phase string
	Elapsed         time.Duration
	// Changed tells that the phase has just begun.
	Changed bool
	Counts  history.Counts
}

// tickInterval is how often progress is told between the changes of phase.
const tickInterval = 250 * time.Millisecond

// progressState is the phase that is told.
type progressState struct {
	mu    sync.Mutex
	phase string
}

// begin tells that a phase begins.
func (p *play) begin(phase string) {
	p.current.mu.Lock()
	p.current.phase = phase
	p.current.mu.Unlock()
	p.tell(true)
}

func (p *play) tell(changed bool) {
	if p.Progress == nil {
		return
	}
	p.current.mu.Lock()
	defer p.current.mu.Unlock()
	p.Progress(Progress{Scenario: p.scenario.Name, Phase: p.current.phase, Elapsed: p.recorder.Now(),
		Changed: changed, Counts: p.recorder.Counts()})
}

// tick tells progress until the returned function is called.
func (p *play) tick() (stop func()) {
	done := make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() {
		ticker := time.NewTicker(tickInterval)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				p.tell(false)
			}
		}
	})
	return func() { close(done); ticking.Wait() }
}

// Printer shows the progress of a run: on a terminal as one line that changes, elsewhere as a line per phase.
type Printer struct {
	out      io.Writer
	terminal bool
	total    int

	number   int // of the scenario, from 1
	scenario string
	rates    []sample
	width    int
}

// sample is a count of confirms at a moment, for the rate.
type sample struct {
	at        time.Duration
	confirmed int
}

// NewPrinter shows the progress of a run of total scenarios; 0 if nobody knows how many there will be.
func NewPrinter(out io.Writer, terminal bool, total int) *Printer {
	return &Printer{out: out, terminal: terminal, total: total}
}

// Show shows a moment.
func (p *Printer) Show(now Progress) {
	if now.Scenario != p.scenario || p.number == 0 {
		p.number++
		p.scenario, p.rates = now.Scenario, nil
	}
	p.rates = append(p.rates, sample{now.Elapsed, now.Counts.Confirmed})
	for len(p.rates) > 2 && now.Elapsed-p.rates[0].at > time.Second {
		p.rates = p.rates[1:]
	}
	line := fmt.Sprintf("%s %s: %s, %.0f s", p.place(), now.Scenario, now.Phase, now.Elapsed.Seconds())
	if now.Counts.Attempted > 0 {
		line += fmt.Sprintf(", %.0f confirmed/s, %d unconfirmed", p.rate(), now.Counts.Pending)
	}
	switch {
	case p.terminal:
		padding := strings.Repeat(" ", max(0, p.width-len(line)))
		p.width = len(line)
		fmt.Fprintf(p.out, "\r%s%s", line, padding)
	case now.Changed:
		fmt.Fprintln(p.out, line)
	}
}

// Done shows how a scenario ended, in a line that stays.
func (p *Printer) Done(result report.Scenario) {
	if p.terminal {
		fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", p.width))
		p.width = 0
	}
	if result.Name != p.scenario { // it was skipped, and so never shown
		p.number++
		p.scenario = result.Name
	}
	fmt.Fprintf(p.out, "%s %s: %s%s\n", p.place(), result.Name, strings.ToUpper(string(result.Status())),
		result.Remark())
}

// place is the number of the scenario, and of how many if that is known.
func (p *Printer) place() string {
	if p.total == 0 {
		return fmt.Sprintf("[%d]", p.number)
	}
	return fmt.Sprintf("[%d/%d]", p.number, p.total)
}

// rate is confirms per second over the last second.
func (p *Printer) rate() float64 {
	first, last := p.rates[0], p.rates[len(p.rates)-1]
	if last.at == first.at {
		return 0
	}
	return float64(last.confirmed-first.confirmed) / (last.at - first.at).Seconds()
}
