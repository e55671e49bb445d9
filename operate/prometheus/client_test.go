package prometheus

import (
	"encoding/pem"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
)

// serve is a client of a Prometheus that gives one answer.
func serve(t *testing.T, status int, text string) (*Client, *[]http.Request) {
	t.Helper()
	var asked []http.Request
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, *r)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(text))
	}))
	t.Cleanup(server.Close)
	client, err := Of(topology.Outputs{
		Username: "admin", StatsPassword: "secret",
		Monitoring: &topology.MonitoringOutput{PrometheusURL: server.URL},
	})
	require.NoError(t, err)
	return client, &asked
}

func TestAStackWithoutPrometheusSaysHowToHaveOne(t *testing.T) {
	_, err := Of(topology.Outputs{})
	require.ErrorIs(t, err, ErrOff)
	assert.ErrorContains(t, err, "warren:monitoring")
}

func TestPrometheusIsAskedOverTLS(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"status":"success","data":{"alerts":[]}}`))
	}))
	defer server.Close()
	ask := func(authority string) error {
		client, err := Of(topology.Outputs{
			CACertificate: authority, Monitoring: &topology.MonitoringOutput{PrometheusURL: server.URL},
		})
		require.NoError(t, err)
		_, err = client.Alerts(t.Context())
		return err
	}
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, ask(string(authority)))
	require.Error(t, ask(""), "nobody says that its certificate is the stack's")
}

func TestAlertsThatMatterMostComeFirst(t *testing.T) {
	client, asked := serve(t, 200, `{"status":"success","data":{"alerts":[
		{"labels":{"alertname":"NodeDown","severity":"warning"},"state":"firing","activeAt":"2026-01-02T03:04:05Z",
		 "annotations":{"summary":"Node rabbit1 does not answer.","description":"It does not run.","fix":"one\ntwo"}},
		{"labels":{"alertname":"NoServers","severity":"critical"},"state":"pending","annotations":{}},
		{"labels":{"alertname":"NoMajority","severity":"critical"},"state":"firing","annotations":{}}]}}`)
	alerts, err := client.Alerts(t.Context())
	require.NoError(t, err)
	var names []string
	for _, a := range alerts {
		names = append(names, a.Name)
	}
	assert.Equal(t, []string{"NoMajority", "NodeDown", "NoServers"}, names)
	assert.Equal(t, []string{"one", "two"}, alerts[1].Fix)
	assert.Equal(t, "It does not run.", alerts[1].Means)
	assert.Equal(t, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), alerts[1].Since)
	assert.Len(t, OnlyFiring(alerts), 2)
	user, password, _ := (*asked)[0].BasicAuth()
	assert.Equal(t, "admin:secret", user+":"+password)
}

func TestQueryReadsVectorsAndScalars(t *testing.T) {
	client, _ := serve(t, 200, `{"status":"success","data":{"resultType":"vector","result":[
		{"metric":{"node":"rabbit1"},"value":[1700000000.5,"1.5"]},{"metric":{},"value":[1700000000,"NaN"]}]}}`)
	series, err := client.Query(t.Context(), "up")
	require.NoError(t, err)
	require.Len(t, series, 2)
	assert.Equal(t, Series{
		map[string]string{"node": "rabbit1"}, []Point{{time.UnixMilli(1_700_000_000_500), 1.5}},
	}, series[0])
	assert.True(t, math.IsNaN(series[1].Points[0].Value))

	client, _ = serve(t, 200, `{"status":"success","data":{"resultType":"scalar","result":[1700000000,"3"]}}`)
	series, err = client.Query(t.Context(), "3")
	require.NoError(t, err)
	assert.InDelta(t, 3, series[0].Points[0].Value, 0)
}

func TestRangeAsksForATime(t *testing.T) {
	client, asked := serve(t, 200, `{"status":"success","data":{"resultType":"matrix","result":[
		{"metric":{"node":"rabbit1"},"values":[[1700000000,"1"],[1700000005,"2"]]}]}}`)
	from := time.Unix(1_700_000_000, 0)
	series, err := client.Range(t.Context(), "up", from, from.Add(time.Minute), 5*time.Second)
	require.NoError(t, err)
	require.Len(t, series, 1)
	assert.Len(t, series[0].Points, 2)
	assert.Equal(t, "end=1700000060.000&query=up&start=1700000000.000&step=5", (*asked)[0].URL.RawQuery)
}

func TestErrorsSayWhatPrometheusSaid(t *testing.T) {
	client, _ := serve(t, 400, `{"status":"error","error":"parse error: unexpected end"}`)
	_, err := client.Query(t.Context(), "sum(")
	require.ErrorContains(t, err, "parse error: unexpected end")
	assert.NotContains(t, err.Error(), "secret")

	client, _ = serve(t, 401, "Unauthorized\n")
	_, err = client.Alerts(t.Context())
	assert.ErrorContains(t, err, "401 Unauthorized")

	client.base = "http://127.0.0.1:1"
	_, err = client.Alerts(t.Context())
	assert.ErrorContains(t, err, "connection refused")
}

func TestAlertsOfOtherStacksAreLeftOut(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _, asked := r.BasicAuth()
		assert.False(t, asked, "the stack's password is none of its business")
		_, _ = w.Write([]byte(`{"status":"success","data":{"alerts":[
			{"labels":{"alertname":"NodeDown","stack":"dev"},"state":"firing"},
			{"labels":{"alertname":"NodeDown","stack":"staging"},"state":"firing"},
			{"labels":{"alertname":"HostOutOfMemory"},"state":"firing"}]}}`))
	}))
	defer server.Close()
	client, err := Of(topology.Outputs{
		Stack: "dev", Username: "admin", StatsPassword: "secret",
		Monitoring: &topology.MonitoringOutput{PrometheusURL: server.URL, Remote: true},
	})
	require.NoError(t, err)
	alerts, err := client.Alerts(t.Context())
	require.NoError(t, err)
	require.Len(t, alerts, 1)
	assert.Equal(t, "dev", alerts[0].Labels["stack"])
}
