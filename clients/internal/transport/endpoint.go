package transport

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Endpoint is one place to connect to.
type Endpoint struct {
	raw string // holds the password: never print it
	uri amqp.URI
}

// ParseEndpoints parses AMQP URIs and reports every bad one. Its errors quote no part of a URI that could not
// be parsed, because any part of it may be the password.
func ParseEndpoints(uris []string) ([]Endpoint, error) {
	if len(uris) == 0 {
		return nil, errors.New("no endpoint given: at least one amqp:// or amqps:// URI is needed")
	}
	endpoints := make([]Endpoint, 0, len(uris))
	var problems []error
	for i, uri := range uris {
		if _, err := url.Parse(uri); err != nil {
			problems = append(problems, fmt.Errorf("endpoint %d of %d is not a URI: it should look like "+
				"amqp://user:password@host:port/vhost, with reserved characters percent-encoded", i+1, len(uris)))
			continue
		}
		parsed, err := amqp.ParseURI(uri)
		if err != nil {
			problems = append(problems, fmt.Errorf("endpoint %d of %d: %w", i+1, len(uris), err))
			continue
		}
		endpoints = append(endpoints, Endpoint{raw: uri, uri: parsed})
	}
	return endpoints, errors.Join(problems...)
}

// address is where the endpoint listens.
func (e Endpoint) address() string { return net.JoinHostPort(e.uri.Host, strconv.Itoa(e.uri.Port)) }

// String is the endpoint without its credentials, such as "amqp://127.0.0.1:5672/".
func (e Endpoint) String() string {
	u := url.URL{
		Scheme: e.uri.Scheme,
		Host:   net.JoinHostPort(e.uri.Host, strconv.Itoa(e.uri.Port)),
		Path:   "/",
	}
	if e.uri.Vhost != "/" {
		u.Path += e.uri.Vhost
	}
	return u.String()
}

// GoString keeps the password out of %#v too.
func (e Endpoint) GoString() string { return e.String() }
