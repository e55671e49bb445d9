package transport

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"

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
		if err := check(parsed); err != nil {
			problems = append(problems, fmt.Errorf("endpoint %d of %d: %w", i+1, len(uris), err))
			continue
		}
		endpoints = append(endpoints, Endpoint{raw: uri, uri: parsed})
	}
	return endpoints, errors.Join(problems...)
}

// check finds what the library takes and no broker can be reached with. Its errors quote nothing either.
func check(u amqp.URI) error {
	var problems []error
	if u.Port < 1 || u.Port > math.MaxUint16 {
		problems = append(problems, errors.New("the port is not in 1 to 65535"))
	}
	if strings.Contains(u.Vhost, "://") {
		problems = append(problems, errors.New("several URIs in one: give each by itself"))
	}
	for _, name := range u.AuthMechanism {
		if mechanism(name, u) == nil {
			problems = append(problems, errors.New("auth_mechanism is not plain, amqplain or external"))
		}
	}
	return errors.Join(problems...)
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
