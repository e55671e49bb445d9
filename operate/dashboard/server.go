// Package dashboard serves a page that shows how a stack is doing: its picture, the alerts, and the panels
// that Grafana has as well, from the stack's own Prometheus. The page asks this server, which has the
// password; the browser never sees it.
package dashboard

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"net"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"warren/operate/prometheus"
	"warren/topology/monitoring"
)

//go:embed page
var page embed.FS

// Source answers for a Prometheus.
type Source interface {
	Range(ctx context.Context, expr string, from, to time.Time, step time.Duration) ([]prometheus.Series, error)
	Alerts(ctx context.Context) ([]prometheus.Alert, error)
}

// Server serves the page.
type Server struct {
	Stack  monitoring.Stack
	Source Source
	// Look looks at the cluster.
	Look func(context.Context) (Picture, error)
}

// Handler answers a browser. Only names of this machine are answered: a page of another site that has its
// name lead here must not read what the stack's password protects.
func (s Server) Handler() http.Handler {
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic("dashboard: " + err.Error()) // the folder is embedded
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(files))
	mux.HandleFunc("GET /api/dashboards", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string]any{"stack": s.Stack.Name, "dashboards": monitoring.Dashboards(s.Stack)}, nil)
	})
	mux.HandleFunc("GET /api/alerts", func(w http.ResponseWriter, r *http.Request) {
		alerts, err := s.Source.Alerts(r.Context())
		reply(w, append([]prometheus.Alert{}, alerts...), err)
	})
	mux.HandleFunc("GET /api/picture", func(w http.ResponseWriter, r *http.Request) {
		picture, err := s.Look(r.Context())
		reply(w, picture, err)
	})
	mux.HandleFunc("GET /api/series", s.series)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !local(r.Host) {
			http.Error(w, "ask for this page by the address that `warren dashboard` printed", http.StatusForbidden)
			return
		}
		header := w.Header()
		header.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; "+
			"connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	})
}

// local tells whether a host of a request is an address, which no other site's name is, or this machine.
func local(hostPort string) bool {
	host, _, err := net.SplitHostPort(hostPort)
	if err != nil {
		host = hostPort
	}
	return host == "localhost" || net.ParseIP(host) != nil
}

// What a page may ask for.
const (
	shortestRange, defaultRange, longestRange = 5, 15, 7 * 24 * 60 // minutes
	// pointsShown is how many values a plot has at most; a screen shows no more.
	pointsShown = 240
	// shortestStep is that of the readings.
	shortestStep = 5 * time.Second
)

// Plot is a panel with the values of its series, one for each step.
type Plot struct {
	Title  string `json:"title"`
	Series []Line `json:"series"`
	Error  string `json:"error,omitempty"`
}

// Line is a series. A value that is not there is nil.
type Line struct {
	Name   string     `json:"name"`
	Values []*float64 `json:"values"`
}

// series answers with the plots of a dashboard.
func (s Server) series(w http.ResponseWriter, r *http.Request) {
	minutes, err := strconv.Atoi(r.FormValue("minutes"))
	if err != nil {
		minutes = defaultRange
	}
	span := grid(time.Now(), time.Duration(min(max(minutes, shortestRange), longestRange))*time.Minute)
	var panels []monitoring.Panel
	for _, d := range monitoring.Dashboards(s.Stack) {
		if d.Name == r.FormValue("dashboard") {
			panels = d.Panels
		}
	}
	if panels == nil {
		http.Error(w, "there is no such dashboard", http.StatusNotFound)
		return
	}
	plots := make([]Plot, len(panels))
	const atATime = 4
	group, ctx := errgroup.WithContext(r.Context())
	group.SetLimit(atATime)
	for i, panel := range panels {
		group.Go(func() error {
			plots[i] = s.plot(ctx, panel, span)
			return nil
		})
	}
	err = group.Wait()
	reply(w, map[string]any{
		"from": span.from.Unix(), "step": int(span.step.Seconds()), "count": span.count(), "plots": plots,
	}, err)
}

// plot asks for the series of a panel. An error is shown in the panel's place, and the others are as they
// are.
func (s Server) plot(ctx context.Context, panel monitoring.Panel, span timespan) Plot {
	plot := Plot{Title: panel.Title, Series: []Line{}}
	for _, query := range panel.Queries {
		series, err := s.Source.Range(ctx, query.Expr, span.from, span.to, span.step)
		if err != nil {
			plot.Error = err.Error()
			return plot
		}
		for _, one := range series {
			plot.Series = append(plot.Series, Line{legend(query.Legend, one.Labels), span.align(one.Points)})
		}
	}
	return plot
}

// reply answers with a value as JSON, or with an error.
func reply(w http.ResponseWriter, value any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value) // the browser has left
}
