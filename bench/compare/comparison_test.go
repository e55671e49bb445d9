package compare

import (
	"context"
	"errors"
	"testing"

	"warren/bench/lab"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/cluster"
	"warren/topology"
)

func TestSelectTakesNamesAndGroups(t *testing.T) {
	all := []Comparison{{Name: "throughput/path"}, {Name: "throughput/size"}, {Name: "startup"}}
	names := func(cs []Comparison) (names []string) {
		for _, c := range cs {
			names = append(names, c.Name)
		}
		return names
	}
	selected, err := Select(all, nil)
	require.NoError(t, err)
	assert.Len(t, selected, 3)

	selected, err = Select(all, []string{"startup", "throughput"})
	require.NoError(t, err)
	assert.Equal(t, []string{"throughput/path", "throughput/size", "startup"}, names(selected))

	_, err = Select(all, []string{"through", "x"})
	assert.ErrorContains(t, err, `no comparison "through"`)
	assert.ErrorContains(t, err, `no comparison "x"`)
}

func TestSummaryOfOddAndEvenNumbers(t *testing.T) {
	assert.Equal(t, Summary{Median: 2, Min: 1, Max: 9, Values: []float64{9, 1, 2}},
		Summarize([]float64{9, 1, 2}))
	assert.Equal(t, Summary{Median: 2.5, Min: 1, Max: 4, Values: []float64{4, 1, 2, 3}},
		Summarize([]float64{4, 1, 2, 3}))
	assert.Equal(t, 7.0, Summarize([]float64{7}).Median)
}

// anyLab is one that no side of these tests looks at.
func anyLab(t *testing.T) *lab.Lab {
	c, err := cluster.Open(topology.Outputs{ManagementURL: "http://127.0.0.1:1", RabbitMQSeries: "4.3",
		Network: "warren-test"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, c.Close()) })
	return lab.NewLab(c, lab.Settings{})
}

// fixed is a side that measures the given values in turn and writes down that it was asked.
func fixed(name string, asked *[]string, values ...float64) Side {
	return Side{Name: name, Measure: func(context.Context, *lab.Lab) ([]Sample, error) {
		*asked = append(*asked, name)
		v := values[0]
		values = values[1:]
		return []Sample{{Values: map[string]float64{"rate": v}}}, nil
	}}
}

func TestSidesAreMeasuredInTurns(t *testing.T) {
	var asked []string
	saved := 0
	r := Runner{Lab: anyLab(t), Repetitions: 2, Save: func(Run) error { saved++; return nil }}
	run, err := r.Run(t.Context(), []Comparison{{Name: "x", Metrics: []Metric{{"rate", PerSecond}},
		Sides: []Side{fixed("a", &asked, 100, 200), fixed("b", &asked, 30, 30)},
		Claims: []Claim{{Row: "a", Metric: "rate", Against: "b", AtLeast: 5},
			{Row: "b", Metric: "rate", AtMost: 29}}}})
	require.NoError(t, err)
	assert.Equal(t, []string{"a", "b", "a", "b"}, asked)
	assert.Equal(t, 1, saved)
	c := run.Comparisons[0]
	assert.Equal(t, 150.0, c.Rows[0].Values["rate"].Median)
	assert.Equal(t, []float64{30, 30}, c.Rows[1].Values["rate"].Values)
	assert.Equal(t, 0.2, c.Rows[1].Ratio)
	assert.True(t, c.Claims[0].Holds)
	assert.False(t, c.Claims[1].Holds)
	assert.Len(t, run.Broken(), 1)
	assert.False(t, run.Failed())
}

func TestOneMissingSideLeavesTheOthers(t *testing.T) {
	var asked []string
	tries := 0
	missing := Side{Name: "python", Measure: func(context.Context, *lab.Lab) ([]Sample, error) {
		tries++
		return nil, &lab.MissingError{What: "a Python with pika", Hint: "install it"}
	}}
	r := Runner{Lab: anyLab(t), Repetitions: 3}
	run, err := r.Run(t.Context(), []Comparison{{Name: "x", Metrics: []Metric{{"rate", PerSecond}},
		Sides:  []Side{fixed("a", &asked, 1, 2, 3), missing},
		Claims: []Claim{{Row: "a", Metric: "rate", Against: "python", AtLeast: 5}}}})
	require.NoError(t, err)
	assert.Equal(t, 1, tries, "what is missing stays missing")
	assert.Len(t, asked, 3)
	c := run.Comparisons[0]
	assert.Contains(t, c.Rows[1].Missing, "install it")
	assert.True(t, c.Claims[0].Unknown)
	assert.Empty(t, run.Broken(), "what was not measured is not broken")
	assert.False(t, run.Failed())
}

func TestFailureOfARepetitionIsTold(t *testing.T) {
	failing := Side{Name: "a", Measure: func(context.Context, *lab.Lab) ([]Sample, error) {
		return nil, errors.New("no quorum")
	}}
	r := Runner{Lab: anyLab(t), Repetitions: 2}
	run, err := r.Run(t.Context(),
		[]Comparison{{Name: "x", Metrics: []Metric{{"rate", PerSecond}}, Sides: []Side{failing}}})
	require.NoError(t, err)
	assert.Equal(t, []string{"no quorum", "no quorum"}, run.Comparisons[0].Rows[0].Errors)
	assert.True(t, run.Failed())
}

func TestInterruptEndsTheRunAndKeepsWhatWasFound(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	saved := 0
	side := Side{Name: "a", Measure: func(context.Context, *lab.Lab) ([]Sample, error) {
		cancel()
		return []Sample{{Values: map[string]float64{"rate": 1}}}, nil
	}}
	comparison := Comparison{Name: "x", Metrics: []Metric{{"rate", PerSecond}}, Sides: []Side{side}}
	r := Runner{Lab: anyLab(t), Repetitions: 5, Save: func(Run) error { saved++; return nil }}
	run, err := r.Run(ctx, []Comparison{comparison, comparison})
	assert.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, saved)
	require.Len(t, run.Comparisons, 1)
	assert.Len(t, run.Comparisons[0].Rows[0].Values["rate"].Values, 1)
}

func TestSampleOfOneRowMissing(t *testing.T) {
	r := Result{Metrics: []Metric{{"rate", PerSecond}}}
	r.Add("side", Sample{Row: "one", Values: map[string]float64{"rate": 1}})
	r.Add("side", Sample{Row: "two", Missing: "no Python"})
	r.Conclude(nil)
	require.Len(t, r.Rows, 2)
	assert.Equal(t, 1.0, r.Rows[0].Ratio)
	assert.Equal(t, "no Python", r.Rows[1].Missing)
}

func TestClaims(t *testing.T) {
	r := Result{Metrics: []Metric{{"outage", Seconds}, {"alarms", Times}}}
	for _, v := range []float64{0.2, 0.25, 0.9} {
		r.Add("a", Sample{Values: map[string]float64{"outage": v, "alarms": 0}})
		r.Add("b", Sample{Values: map[string]float64{"outage": v * 4, "alarms": 0}})
	}
	for _, c := range []struct {
		claim Claim
		holds bool
		text  string
	}{
		{Claim{Row: "a", Metric: "outage", AtMost: 0.3}, true, "a, outage: at most 300 ms; measured 250 ms"},
		{Claim{Row: "a", Metric: "outage", AtMost: 0.24}, false, "a, outage: at most 240 ms; measured 250 ms"},
		{Claim{Row: "b", Metric: "outage", Against: "a", AtLeast: 2.5}, true,
			"b, outage, as a multiple of that of a: at least 2.50; measured 4.00"},
		{Claim{Row: "b", Metric: "outage", Against: "a", AtMost: 1.5}, false,
			"b, outage, as a multiple of that of a: at most 1.50; measured 4.00"},
		{Claim{Row: "b", Metric: "outage", Against: "a", AtMost: 2, Plus: 0.5}, true,
			"b, outage, less 500 ms, as a multiple of that of a: at most 2.00; measured 2.00"},
		{Claim{Row: "b", Metric: "outage", Against: "a", AtMost: 2, Plus: 0.4}, false,
			"b, outage, less 400 ms, as a multiple of that of a: at most 2.00; measured 2.40"},
		{Claim{Row: "b", Metric: "alarms", Against: "a", Difference: true}, true,
			"b, alarms, beyond that of a: at most 0; measured 0"},
		{Claim{Row: "b", Metric: "outage", Against: "a", Difference: true}, false,
			"b, outage, beyond that of a: at most 0; measured 750 ms"},
	} {
		j := c.claim.judge(r)
		assert.Equal(t, c.holds, j.Holds, c.text)
		assert.Equal(t, c.text, j.Text)
		assert.False(t, j.Unknown)
	}
	assert.True(t, Claim{Row: "c", Metric: "outage", AtMost: 1}.judge(r).Unknown)
}

func TestRatioOfNothing(t *testing.T) {
	assert.Equal(t, 1.0, Ratio(0, 0))
	assert.Equal(t, 0.0, Ratio(0, 3))
	assert.Greater(t, Ratio(3, 0), 1e9)
}
