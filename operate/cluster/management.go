package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"

	"warren/topology"
)

// RequestTimeout bounds one request to a management API. A node that has lost its peers answers late, since
// it asks them first; one that is paused never answers.
const RequestTimeout = 5 * time.Second

// Management returns a client of a node's own management API, whose requests end with ctx.
func (c *Cluster) Management(ctx context.Context, node topology.NodeOutput) *rabbithole.Client {
	endpoint := c.managementURL(node)
	// NewTLSClient fails only on an endpoint that is no URL, and Open has seen to that.
	api, err := rabbithole.NewTLSClient(endpoint, c.outputs.Username, c.outputs.Password,
		boundTransport{ctx, c.http})
	if err != nil {
		panic(fmt.Sprintf("cluster: management endpoint %q: %v", endpoint, err))
	}
	api.SetTimeout(RequestTimeout)
	return api
}

// boundTransport gives the requests of a client that knows no contexts one.
type boundTransport struct {
	ctx  context.Context
	base http.RoundTripper
}

func (t boundTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	// http.Client puts its own deadline into the request's context; keep the earlier end of the two.
	ctx, cancel := context.WithCancelCause(request.Context())
	stop := context.AfterFunc(t.ctx, func() { cancel(context.Cause(t.ctx)) })
	response, err := t.base.RoundTrip(request.WithContext(ctx))
	if err != nil {
		stop()
		cancel(nil)
		return nil, err
	}
	response.Body = &boundBody{response.Body, func() { stop(); cancel(nil) }}
	return response, nil
}

// ErrNoNodeAnswers says that no node's management API could be used.
var ErrNoNodeAnswers = errors.New("no node answers")

// AskAny calls ask with the management clients of the nodes in turn until one succeeds. The error joins
// those of all.
func (c *Cluster) AskAny(ctx context.Context, ask func(*rabbithole.Client) error) error {
	failures := []error{ErrNoNodeAnswers}
	for _, node := range c.outputs.Nodes {
		err := ask(c.Management(ctx, node))
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		failures = append(failures, fmt.Errorf("%s: %w", node.Name, err))
	}
	return errors.Join(failures...)
}

// boundBody releases a request's context when its body has been read.
type boundBody struct {
	io.ReadCloser
	release func()
}

func (b *boundBody) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
