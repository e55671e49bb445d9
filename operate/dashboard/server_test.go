package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/prometheus"
	"warren/topology/monitoring"
)

// fakeSource has one series for every expression, and fails for some.
type fakeSource struct{ fails string }

func (f fakeSource) Range(
	_ context.Context, expr string, from, to time.Time, step time.Duration,
) ([]prometheus.Series, error) {
	if f.fails != "" && strings.Contains(expr, f.fails) {
		return nil, errors.New("too many samples")
	}
	var points []prometheus.Point
	for at := from; !at.After(to); at = at.Add(step) {
		points = append(points, prometheus.Point{Time: at, Value: 1})
	}
	return []prometheus.Series{{Labels: map[string]string{"node": "rabbit1"}, Points: points}}, nil
}

func (fakeSource) Alerts(context.Context) ([]prometheus.Alert, error) {
	return []prometheus.Alert{{Name: "NodeDown", State: prometheus.Firing}}, nil
}

func get(t *testing.T, s Server, host, path string) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	request.Host = host
	s.Handler().ServeHTTP(recorder, request)
	return recorder
}

var testServer = Server{
	Stack: monitoring.Stack{Name: "dev"}, Source: fakeSource{},
	Look: func(context.Context) (Picture, error) { return Picture{Nodes: []Node{{Name: "rabbit1"}}}, nil },
}

func TestThePageComesWithAllItNeeds(t *testing.T) {
	page := get(t, testServer, "127.0.0.1:8900", "/").Body.String()
	for _, file := range []string{"style.css", "plot.js", "page.js"} {
		assert.Contains(t, page, `"`+file+`"`)
		assert.Equal(t, 200, get(t, testServer, "127.0.0.1:8900", "/"+file).Code)
	}
	assert.NotContains(t, page, "http", "nothing is loaded from elsewhere")
}

// TestOtherSitesGetNothing even if a browser takes their name for this address.
func TestOtherSitesGetNothing(t *testing.T) {
	for host, want := range map[string]int{
		"127.0.0.1:8900": 200, "localhost:8900": 200, "[::1]:8900": 200, "192.0.2.1": 200,
		"evil.example:8900": 403, "evil.example": 403, "localhost.evil.example": 403, "": 403,
	} {
		assert.Equal(t, want, get(t, testServer, host, "/api/alerts").Code, host)
	}
}

func TestEveryPanelHasItsSeries(t *testing.T) {
	for _, d := range monitoring.Dashboards(monitoring.Stack{}) {
		answer := get(t, testServer, "localhost", "/api/series?dashboard="+d.Name+"&minutes=15")
		require.Equal(t, 200, answer.Code)
		var data struct {
			Step, Count int
			Plots       []Plot
		}
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &data))
		assert.Equal(t, 5, data.Step)
		assert.Equal(t, 181, data.Count)
		require.Len(t, data.Plots, len(d.Panels))
		for i, plot := range data.Plots {
			assert.Len(t, plot.Series, len(d.Panels[i].Queries))
			assert.Len(t, plot.Series[0].Values, data.Count)
			assert.NotContains(t, plot.Series[0].Name, "{")
		}
	}
	assert.Equal(t, 404, get(t, testServer, "localhost", "/api/series?dashboard=nosuch").Code)
}

func TestAPanelThatFailsLeavesTheOthers(t *testing.T) {
	failing := testServer
	failing.Source = fakeSource{fails: "rabbitmq_connections{"}
	var data struct{ Plots []Plot }
	answer := get(t, failing, "localhost", "/api/series?dashboard=overview")
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &data))
	assert.Equal(t, "too many samples", data.Plots[3].Error)
	assert.Empty(t, data.Plots[0].Error)
	assert.NotEmpty(t, data.Plots[0].Series)
}

func TestARangeHasNoMorePointsThanAScreen(t *testing.T) {
	now := time.Unix(1_700_000_003, 0)
	for length, step := range map[time.Duration]time.Duration{
		5 * time.Minute: 5 * time.Second, 15 * time.Minute: 5 * time.Second, time.Hour: 15 * time.Second,
		6 * time.Hour: 90 * time.Second, 7 * 24 * time.Hour: 2520 * time.Second,
	} {
		span := grid(now, length)
		assert.Equal(t, step, span.step, length)
		assert.LessOrEqual(t, span.count(), pointsShown+5, length)
		assert.Zero(t, span.to.Unix()%int64(step.Seconds()), "the next answer has the same points")
	}
}

func TestPointsFindTheirPlaces(t *testing.T) {
	span := grid(time.Unix(1_700_000_000, 0), time.Minute)
	values := span.align([]prometheus.Point{
		{Time: span.from, Value: 1}, {Time: span.from.Add(10 * time.Second), Value: math.NaN()},
		{Time: span.to, Value: 3}, {Time: span.to.Add(time.Hour), Value: 4},
	})
	require.Len(t, values, 13)
	assert.InDelta(t, 1, *values[0], 0)
	assert.Nil(t, values[2], "no number")
	assert.Nil(t, values[5], "not there")
	assert.InDelta(t, 3, *values[12], 0)
}
