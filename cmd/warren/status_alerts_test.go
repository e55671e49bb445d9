package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
)

// watchedBy are outputs of a stack whose Prometheus gives an answer.
func watchedBy(t *testing.T, answer string) topology.Outputs {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(answer))
	}))
	t.Cleanup(server.Close)
	return topology.Outputs{Monitoring: &topology.MonitoringOutput{PrometheusURL: server.URL}}
}

func TestStatusShowsTheAlertsThatFire(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 35, 0, time.UTC)
	for name, tc := range map[string]struct {
		outputs topology.Outputs
		want    string
	}{
		"no Prometheus": {topology.Outputs{}, ""},
		"nothing fires": {watchedBy(t, `{"status":"success","data":{"alerts":[
			{"labels":{"alertname":"NodeDown"},"state":"pending"}]}}`), "No alert fires.\n"},
		"one fires": {watchedBy(t, `{"status":"success","data":{"alerts":[
			{"labels":{"alertname":"NodeDown","severity":"warning"},"state":"firing","activeAt":"2026-01-02T03:04:05Z",
			 "annotations":{"summary":"Node rabbit1 does not answer."}}]}}`),
			"\nALERT    NodeDown (warning, for 30s): Node rabbit1 does not answer.\n"},
		"it fails": {watchedBy(t, `{"status":"error","error":"too busy"}`), "Alerts are not known: "},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			require.NoError(t, alertsOf(t.Context(), tc.outputs).print(&out, now))
			if tc.want == "" {
				assert.Empty(t, out.String())
				return
			}
			assert.Contains(t, out.String(), tc.want)
		})
	}
}
