package rabbit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"warren/topology"
)

const (
	// requestTimeout bounds one request. A list of 10,000 queues takes RabbitMQ 4.3 about a second; the
	// bound is for a machine that is many times slower, and for a node that is frozen.
	requestTimeout = 30 * time.Second
	// dialTimeout bounds the attempt to connect. Within a stack's network an answer, or a refusal, takes
	// milliseconds.
	dialTimeout = 5 * time.Second
	// bodyLimit is how much of the answer to a failed request is read; an error shows the first shownBytes.
	bodyLimit, shownBytes = 64 << 10, 400
)

// ErrUnauthorized is what requests fail with that a node does not take the agent's user for.
var ErrUnauthorized = errors.New("the node refuses the agent's user")

// StatusError is an answer other than success.
type StatusError struct {
	Node, Request string
	Status        int
	Body          string
}

// Error names the request and the answer. Neither has a secret.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: %s answered %d: %s", e.Request, e.Node, e.Status,
		e.Body[:min(len(e.Body), shownBytes)])
}

// Is tells whether a refused request failed because it had no valid credentials.
func (e *StatusError) Is(target error) bool {
	return target == ErrUnauthorized && e.Status == http.StatusUnauthorized
}

// IsNotFound tells whether something does not exist on the node that was asked.
func IsNotFound(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Status == http.StatusNotFound
}

// Dialer connects to an address.
type Dialer func(ctx context.Context, network, address string) (net.Conn, error)

// Client talks to the nodes of a cluster. It is safe for concurrent use.
type Client struct {
	password string
	http     *http.Client
	dial     Dialer
	tools    Tools

	restoring sync.Mutex
}

// New returns a client for the cluster whose Erlang cookie is given. A nil dialer connects to the nodes by
// their host names. The tools restore the agent's user when a node does not know it.
func New(cookie string, tools Tools, dial Dialer) *Client {
	if dial == nil {
		dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	return &Client{
		password: topology.Secrets{ErlangCookie: cookie}.AgentPassword(),
		dial:     dial,
		tools:    tools,
		http: &http.Client{
			Timeout: requestTimeout,
			Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: concurrency,
				IdleConnTimeout: time.Minute},
		},
	}
}

// Host is the host name of a node, such as "rabbit1" of "rabbit@rabbit1".
func Host(node string) string {
	_, host, _ := strings.Cut(node, "@")
	return host
}

func address(node string, port int) string { return net.JoinHostPort(Host(node), strconv.Itoa(port)) }

// get asks a node's management API and decodes the answer.
func (c *Client) get(ctx context.Context, node, path string, answer any) error {
	return c.do(ctx, http.MethodGet, node, path, nil, answer)
}

// do makes one request. If the node does not know the agent's user, that is restored and the request
// repeated, once.
func (c *Client) do(ctx context.Context, method, node, path string, body, answer any) error {
	err := c.try(ctx, method, node, path, body, answer)
	if !errors.Is(err, ErrUnauthorized) {
		return err
	}
	if restored := c.restoreUser(ctx, node); restored != nil {
		return errors.Join(err, restored)
	}
	return c.try(ctx, method, node, path, body, answer)
}

func (c *Client) try(ctx context.Context, method, node, path string, body, answer any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method,
		"http://"+address(node, topology.ManagementPort)+path, content)
	if err != nil {
		return err
	}
	request.SetBasicAuth(topology.AgentUsername, c.password)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		text, _ := io.ReadAll(io.LimitReader(response.Body, bodyLimit))
		return &StatusError{
			Node: node, Request: method + " " + path, Status: response.StatusCode,
			Body: strings.TrimSpace(string(text)),
		}
	}
	if answer == nil {
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		return fmt.Errorf("%s %s of %s: %w", method, path, node, err)
	}
	return nil
}

// segment escapes a name for a path.
func segment(name string) string { return url.PathEscape(name) }
