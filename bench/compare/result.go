package compare

import (
	"time"
)

// Run is everything that one run of the benchmarks found.
type Run struct {
	Stack   string  `json:"stack"`
	Series  string  `json:"rabbitmqSeries"`
	Machine Machine `json:"machine"`

	Started     time.Time     `json:"started"`
	Took        time.Duration `json:"took"`
	Comparisons []Result      `json:"comparisons"`
}

// Result is what a comparison found.
type Result struct {
	Name    string   `json:"name"`
	Shows   string   `json:"shows"`
	Metrics []Metric `json:"metrics"`
	// Repetitions is how often each side was to be measured.
	Repetitions int   `json:"repetitions"`
	Rows        []Row `json:"rows"`
	// Claims are judged when the comparison has ended.
	Claims []Judgement `json:"claims,omitempty"`
	// Load is the machine's load average over the last minute when the comparison began: what else it had to do.
	Load float64       `json:"load"`
	Took time.Duration `json:"took"`
}

// Row is what was measured of one side, or of one of its clients.
type Row struct {
	Name string `json:"name"`
	// Values are by name of the metric.
	Values map[string]Summary `json:"values"`
	// Ratio is the first metric's median to that of the comparison's first row.
	Ratio float64 `json:"ratio,omitempty"`
	// Missing says what this machine lacks for measuring this side.
	Missing string `json:"missing,omitempty"`
	// Errors are those of repetitions that failed.
	Errors []string `json:"errors,omitempty"`
}

// Row finds a row by its name, and makes it if it is new.
func (r *Result) Row(name string) *Row {
	for i := range r.Rows {
		if r.Rows[i].Name == name {
			return &r.Rows[i]
		}
	}
	r.Rows = append(r.Rows, Row{Name: name, Values: map[string]Summary{}})
	return &r.Rows[len(r.Rows)-1]
}

// Add adds a sample of a side.
func (r *Result) Add(side string, s Sample) {
	name := s.Row
	if name == "" {
		name = side
	}
	row := r.Row(name)
	row.Missing = s.Missing
	for metric, value := range s.Values {
		row.Values[metric] = Summarize(append(row.Values[metric].Values, value))
	}
}

// Conclude takes the ratios and judges the claims.
func (r *Result) Conclude(claims []Claim) {
	main := r.Metrics[0].Name
	if len(r.Rows) > 0 {
		if base, ok := r.median(r.Rows[0].Name, main); ok {
			for i := range r.Rows {
				if value, ok := r.median(r.Rows[i].Name, main); ok && base != 0 {
					r.Rows[i].Ratio = Ratio(value, base)
				}
			}
		}
	}
	r.Claims = nil
	for _, c := range claims {
		r.Claims = append(r.Claims, c.judge(*r))
	}
}

// median is the median of a row's metric, if it was measured.
func (r Result) median(row, metric string) (float64, bool) {
	for _, candidate := range r.Rows {
		if candidate.Name == row {
			summary, ok := candidate.Values[metric]
			return summary.Median, ok
		}
	}
	return 0, false
}

func (r Result) unit(metric string) Unit {
	for _, m := range r.Metrics {
		if m.Name == metric {
			return m.Unit
		}
	}
	return ""
}

// Failed tells whether some repetition failed for another reason than something missing on this machine.
func (r Run) Failed() bool {
	for _, c := range r.Comparisons {
		for _, row := range c.Rows {
			if len(row.Errors) > 0 {
				return true
			}
		}
	}
	return false
}

// Broken are the claims that do not hold.
func (r Run) Broken() []Judgement {
	var broken []Judgement
	for _, c := range r.Comparisons {
		for _, j := range c.Claims {
			if !j.Holds && !j.Unknown {
				broken = append(broken, j)
			}
		}
	}
	return broken
}
