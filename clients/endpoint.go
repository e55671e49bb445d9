package clients

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"

	amqp "github.com/rabbitmq/amqp091-go"
)

// endpoint is one place to connect to.
type endpoint struct {
	uri string // holds the password: never print it
	amqp.URI
}

// parseEndpoints parses AMQP URIs and reports every bad one. Its errors quote no part of a URI that could not be
// parsed, for there is no telling which part of it is the password.
func parseEndpoints(uris []string) ([]endpoint, error) {
	if len(uris) == 0 {
		return nil, errors.New("no endpoint given: at least one amqp:// or amqps:// URI is needed")
	}
	endpoints := make([]endpoint, 0, len(uris))
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
		endpoints = append(endpoints, endpoint{uri: uri, URI: parsed})
	}
	return endpoints, errors.Join(problems...)
}

// String is the endpoint without its credentials, such as "amqp://127.0.0.1:5672/".
func (e endpoint) String() string {
	u := url.URL{
		Scheme: e.Scheme,
		Host:   net.JoinHostPort(e.Host, strconv.Itoa(e.Port)),
		Path:   "/",
	}
	if e.Vhost != "/" {
		u.Path += e.Vhost
	}
	return u.String()
}

// GoString keeps the password out of %#v too.
func (e endpoint) GoString() string { return e.String() }
