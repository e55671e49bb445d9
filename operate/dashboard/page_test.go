package dashboard

import (
	"context"
	"math"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/prometheus"
	"warren/topology/monitoring"
)

// screenshotsVariable names a folder to write screenshots of the page to, for people to look at.
const screenshotsVariable = "WARREN_SCREENSHOTS"

// waves is a source with three series that go up and down, and a gap a while ago.
type waves struct{ alerts []prometheus.Alert }

func (waves) Range(
	_ context.Context, expr string, from, to time.Time, step time.Duration,
) ([]prometheus.Series, error) {
	var series []prometheus.Series
	for i, node := range []string{"rabbit1", "rabbit2", "rabbit3"} {
		one := prometheus.Series{Labels: map[string]string{"node": node, "server": node, "balancer": "haproxy"}}
		for at := from; !at.After(to); at = at.Add(step) {
			ago := to.Sub(at)
			if i == 1 && ago > 3*time.Minute && ago < 5*time.Minute {
				continue // the node was away
			}
			value := float64(len(expr)) * (3 + float64(i) + math.Sin(float64(at.Unix())/90+float64(i)))
			one.Points = append(one.Points, prometheus.Point{Time: at, Value: value})
		}
		series = append(series, one)
		if !strings.Contains(expr, "node") && !strings.HasPrefix(expr, "rabbitmq_") {
			break
		}
	}
	return series, nil
}

func (w waves) Alerts(context.Context) ([]prometheus.Alert, error) { return w.alerts, nil }

// hurt is a stack whose second node was killed.
var hurt = Server{
	Stack: monitoring.Stack{Name: "dev"},
	Source: waves{[]prometheus.Alert{
		{
			Name: "NoServers", Severity: monitoring.Critical, State: prometheus.Firing,
			Since:   time.Now().Add(-40 * time.Second),
			Summary: "Load balancer haproxy has no node to send clients to.", Means: "No node is part of a majority.",
			Fix: []string{"warren doctor --stack dev"},
		},
		{
			Name: "NodeDown", Severity: monitoring.Warning, State: prometheus.Pending,
			Since:   time.Now().Add(-40 * time.Second),
			Summary: "Node <b>rabbit2</b> does not answer.", Means: "The node does not run.",
		},
	}},
	Look: func(context.Context) (Picture, error) {
		return Picture{
			Nodes: []Node{
				{Name: "rabbit1", State: "serving", Good: true, Leaders: 5, Connections: 12, Memory: 0.31,
					Peers: []string{"rabbit3"}},
				{Name: "rabbit2", State: "exited", Peers: []string{}},
				{Name: "rabbit3", State: "serving", Good: true, Leaders: 4, Connections: 9, Memory: 0.28,
					Peers: []string{"rabbit1"}},
			},
			Balancers: []Balancer{{Name: "haproxy", State: "running", Good: true,
				Servers: []string{"rabbit1", "rabbit3"}}},
			Helpers: 4, AllHelpers: 5, Problems: []string{"rabbit2: its container is exited"},
		}, nil
	},
}

// browse loads a page of the server in headless Chromium and returns what is then on it.
func browse(t *testing.T, s Server, fragment string, flags ...string) string {
	t.Helper()
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("there is no chromium on PATH")
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	args := append([]string{
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--user-data-dir=" + t.TempDir(), "--virtual-time-budget=4000",
	}, flags...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	output, err := exec.CommandContext(ctx, chromium, append(args, server.URL+"/"+fragment)...).Output()
	require.NoError(t, err)
	return string(output)
}

func TestTheBrowserDrawsEveryPanel(t *testing.T) {
	for _, d := range monitoring.Dashboards(monitoring.Stack{}) {
		dom := browse(t, hurt, "#"+d.Name, "--dump-dom")
		for _, p := range d.Panels {
			assert.Contains(t, dom, "<h2>"+p.Title+"</h2>")
		}
		assert.GreaterOrEqual(t, strings.Count(dom, `class="series `), len(d.Panels),
			"each panel has a line: %s", d.Name)
		assert.NotContains(t, dom, "NaN")
		assert.NotContains(t, dom, "undefined")
	}
}

func TestTheBrowserShowsAlertsAndThePicture(t *testing.T) {
	dom := browse(t, hurt, "", "--dump-dom")
	assert.Contains(t, dom, "1 alert fires, 1 critical; 1 thing is wrong")
	assert.Contains(t, dom, "Load balancer haproxy has no node to send clients to.")
	assert.Contains(t, dom, "&lt;b&gt;rabbit2&lt;/b&gt;", "what alerts say is text")
	assert.Contains(t, dom, "leads 5 · 12 connections")
	assert.Contains(t, dom, `class="box bad"`)
	assert.Contains(t, dom, `<span id="stack">dev</span>`)
}

// TestScreenshots are for people to look at.
func TestScreenshots(t *testing.T) {
	folder := os.Getenv(screenshotsVariable)
	if folder == "" {
		t.Skip("set " + screenshotsVariable + " to a folder to have screenshots of the page")
	}
	for name, flags := range map[string][]string{
		"light": {"--window-size=1280,1500"},
		"dark":  {"--window-size=1280,1500", "--blink-settings=preferredColorScheme=0"},
		"phone": {"--window-size=390,2600"},
	} {
		browse(t, hurt, "", append(flags, "--screenshot="+filepath.Join(folder, name+".png"))...)
	}
}
