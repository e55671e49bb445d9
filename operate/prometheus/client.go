// Package prometheus asks the Prometheus of a stack. It needs three of its requests, for which Prometheus'
// own client library would bring ten modules.
package prometheus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"warren/topology"
)

// ErrOff says that the stack has no Prometheus.
var ErrOff = errors.New("the stack has no Prometheus: set warren:monitoring to true, and deploy it")

// requestTimeout bounds a request. Prometheus itself gives up on a query after 20 s.
const requestTimeout = 25 * time.Second

// Client asks the Prometheus of a stack. It is safe for concurrent use.
type Client struct {
	base, stack        string
	username, password string
	http               http.Client
}

// Of returns a client for the Prometheus that watches the stack with these outputs.
func Of(outputs topology.Outputs) (*Client, error) {
	if outputs.Monitoring == nil {
		return nil, ErrOff
	}
	c := &Client{base: outputs.Monitoring.PrometheusURL, stack: outputs.Stack, http: http.Client{
		Timeout: requestTimeout,
	}}
	if outputs.Monitoring.Remote { // it knows neither the stack's password nor its authority
		return c, nil
	}
	config, err := outputs.TLSConfig()
	if err != nil {
		return nil, err
	}
	c.username, c.password = outputs.Username, outputs.StatsPassword
	c.http.Transport = &http.Transport{TLSClientConfig: config}
	return c, nil
}

// answer is what all requests are answered with.
type answer struct {
	Status string          `json:"status"`
	Error  string          `json:"error"`
	Data   json.RawMessage `json:"data"`
}

// get decodes the data of an answer.
func (c *Client) get(ctx context.Context, path string, parameters url.Values, data any) error {
	fail := func(err error) error { return fmt.Errorf("ask Prometheus at %s for %s: %w", c.base, path, err) }
	address := c.base + "/api/v1/" + path + "?" + parameters.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fail(err)
	}
	if c.username != "" {
		request.SetBasicAuth(c.username, c.password)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return fail(errors.Unwrap(err)) // without the URL, which has the query
	}
	defer response.Body.Close()
	var a answer
	if err := json.NewDecoder(response.Body).Decode(&a); err != nil {
		return fail(fmt.Errorf("%s", response.Status))
	}
	if a.Status != "success" {
		return fail(errors.New(a.Error))
	}
	if err := json.Unmarshal(a.Data, data); err != nil {
		return fail(err)
	}
	return nil
}

// Series is a series of values.
type Series struct {
	Labels map[string]string `json:"labels"`
	Points []Point           `json:"points"`
}

// Point is a value at a time. It may be NaN or infinite.
type Point struct {
	Time  time.Time
	Value float64
}

// UnmarshalJSON reads a pair of seconds and text, as Prometheus writes it.
func (p *Point) UnmarshalJSON(data []byte) error {
	var seconds float64
	var text string
	if err := json.Unmarshal(data, &[]any{&seconds, &text}); err != nil {
		return err
	}
	value, err := strconv.ParseFloat(text, 64)
	p.Time, p.Value = time.UnixMilli(int64(seconds*1000)), value
	return err
}

// Query returns the series of an expression, with one point each.
func (c *Client) Query(ctx context.Context, expr string) ([]Series, error) {
	var data struct {
		Type   string          `json:"resultType"`
		Result json.RawMessage `json:"result"`
	}
	if err := c.get(ctx, "query", url.Values{"query": {expr}}, &data); err != nil {
		return nil, err
	}
	if data.Type == "scalar" {
		var point Point
		err := json.Unmarshal(data.Result, &point)
		return []Series{{Points: []Point{point}}}, err
	}
	var found []struct {
		Labels map[string]string `json:"metric"`
		Value  Point             `json:"value"`
	}
	if err := json.Unmarshal(data.Result, &found); err != nil {
		return nil, fmt.Errorf("read the answer of Prometheus at %s: %w", c.base, err)
	}
	var series []Series
	for _, s := range found {
		series = append(series, Series{s.Labels, []Point{s.Value}})
	}
	return series, nil
}

// Range returns the series of an expression with a point for every step of a time.
func (c *Client) Range(
	ctx context.Context, expr string, from, to time.Time, step time.Duration,
) ([]Series, error) {
	var data struct {
		Result []struct {
			Labels map[string]string `json:"metric"`
			Values []Point           `json:"values"`
		} `json:"result"`
	}
	seconds := func(t time.Time) string { return strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64) }
	err := c.get(ctx, "query_range", url.Values{
		"query": {expr}, "start": {seconds(from)}, "end": {seconds(to)},
		"step": {strconv.FormatFloat(step.Seconds(), 'f', -1, 64)},
	}, &data)
	var series []Series
	for _, s := range data.Result {
		series = append(series, Series{s.Labels, s.Values})
	}
	return series, err
}
