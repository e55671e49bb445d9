//go:build cluster

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/internal/livestack"
	"warren/internal/wait"
	"warren/topology"
)

// TestMonitoring takes a stack with a Prometheus through what happens to it.
func TestMonitoring(t *testing.T) {
	s := livestack.New(t, map[string]any{"warren:monitoring": true})
	out := s.MustUp()
	require.NotNil(t, out.Monitoring)
	prometheus := watcher{t, out, out.Monitoring.PrometheusURL}

	t.Log("nobody sees the pages without the password")
	for _, page := range []string{out.Monitoring.PrometheusURL, out.Monitoring.AlertmanagerURL} {
		status, _ := get(t.Context(), page+"/-/ready", "", "")
		assert.Equal(t, 401, status, page)
		status, _ = get(t.Context(), page+"/-/ready", out.Username, out.Password)
		assert.Equal(t, 401, status, "the administrator's password is not that of the pages")
		status, _ = get(t.Context(), page+"/-/ready", out.Username, out.StatsPassword)
		assert.Equal(t, 200, status, page)
	}
	requireNoSecrets(t, s, out.Password, out.StatsPassword)

	t.Log("every target is read")
	prometheus.eventually("all targets are up", func() error {
		if up := prometheus.query(`sum(up)`); up != "13" {
			return fmt.Errorf("of nodes, HAProxy, Prometheus, Alertmanager and seven agents, %s are up", up)
		}
		return nil
	})
	t.Logf("samples of a node: %s, of HAProxy: %s; seconds for a node: %s",
		prometheus.query(`max(scrape_samples_scraped{job="rabbitmq"})`),
		prometheus.query(`max(scrape_samples_scraped{job="haproxy"})`),
		prometheus.query(`max(scrape_duration_seconds{job="rabbitmq"})`))

	t.Log("a second deployment changes nothing, and no alert fires")
	result, err := s.Up(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"same"}, names(*result.Summary.ResourceChanges))
	require.NoError(t, wait.Sleep(t.Context(), 30*time.Second))
	assert.Empty(t, prometheus.alerts("firing", "pending"))
	assert.Equal(t, "0", prometheus.query(`sum(prometheus_rule_evaluation_failures_total)`))

	t.Log("without a majority the alert fires, and Alertmanager has it")
	start := time.Now()
	for _, node := range out.Nodes[:2] {
		require.NoError(t, s.Docker.ContainerKill(t.Context(), node.Container, "KILL"))
	}
	prometheus.eventually("NoMajority fires", func() error {
		if firing := prometheus.alerts("firing"); !slices.Contains(firing, "NoMajority") {
			return fmt.Errorf("firing: %v", firing)
		}
		return nil
	})
	t.Logf("NoMajority fires after %.0f s", time.Since(start).Seconds())
	prometheus.eventually("Alertmanager has it", func() error {
		_, body := get(t.Context(), out.Monitoring.AlertmanagerURL+"/api/v2/alerts", out.Username,
			out.StatsPassword)
		var alerts []struct {
			Labels map[string]string `json:"labels"`
		}
		if err := json.Unmarshal(body, &alerts); err != nil {
			return err
		}
		for _, alert := range alerts {
			if alert.Labels["alertname"] == "NoMajority" && alert.Labels["severity"] == "critical" {
				return nil
			}
		}
		return fmt.Errorf("Alertmanager has %s", body)
	})
	for _, node := range out.Nodes[:2] {
		require.NoError(t, s.Docker.ContainerStart(t.Context(), node.Container, container.StartOptions{}))
	}
	requireRunning(t, out)

	t.Log("another setting replaces Prometheus alone, which keeps its data")
	s.Configure(map[string]any{"warren:monitoring": map[string]any{"retention": "1d"}})
	result, err = s.Up(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1, (*result.Summary.ResourceChanges)["replace"])
	prometheus.eventually("the alert of before is there", func() error {
		fired := `count(max_over_time(ALERTS{alertname="NoMajority",alertstate="firing"}[1h]))`
		if n := prometheus.query(fired); n != "1" {
			return fmt.Errorf("%s are there", n)
		}
		return nil
	})

	t.Log("destroying leaves nothing")
	s.Destroy()
	s.NothingLeft()
}

// watcher asks a Prometheus.
type watcher struct {
	t   *testing.T
	out topology.Outputs
	url string
}

// api is the data of an answer of the API.
func (w watcher) api(path string, data any) {
	w.t.Helper()
	_, body := get(w.t.Context(), w.url+"/api/v1/"+path, w.out.Username, w.out.StatsPassword)
	answer := struct {
		Data any `json:"data"`
	}{data}
	require.NoErrorf(w.t, json.Unmarshal(body, &answer), "%s", body)
}

// query is the only value of an expression, or what there is instead.
func (w watcher) query(expr string) string {
	w.t.Helper()
	var data struct {
		Result []struct {
			Value [2]any `json:"value"`
		} `json:"result"`
	}
	w.api("query?query="+url.QueryEscape(expr), &data)
	if len(data.Result) != 1 {
		return fmt.Sprintf("%d series", len(data.Result))
	}
	return fmt.Sprint(data.Result[0].Value[1])
}

// alerts are the names of those in some states.
func (w watcher) alerts(states ...string) []string {
	w.t.Helper()
	var data struct {
		Alerts []struct {
			Labels map[string]string `json:"labels"`
			State  string            `json:"state"`
		} `json:"alerts"`
	}
	w.api("alerts", &data)
	var names []string
	for _, alert := range data.Alerts {
		if slices.Contains(states, alert.State) {
			names = append(names, alert.Labels["alertname"])
		}
	}
	return names
}

func (w watcher) eventually(what string, is func() error) {
	w.t.Helper()
	limit := 2 * time.Minute // an alert waits for 15 s, and the machine may be busy
	look := func(context.Context) error { return is() }
	require.NoError(w.t, wait.Within(w.t.Context(), limit, time.Second, what, look))
}
