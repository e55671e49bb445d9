package transport

import (
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"
)

// authentication returns the ways to authenticate that the URI asks for, by default PLAIN.
func (e Endpoint) authentication(properties amqp.Table) []amqp.Authentication {
	var mechanisms []amqp.Authentication
	for _, name := range e.uri.AuthMechanism {
		mechanisms = append(mechanisms, toldWhenRefused{mechanism(name, e.uri), properties})
	}
	if mechanisms == nil {
		mechanisms = append(mechanisms, toldWhenRefused{e.uri.PlainAuth(), properties})
	}
	return mechanisms
}

// mechanism is the named way to authenticate; nil if there is none of that name.
func mechanism(name string, u amqp.URI) amqp.Authentication {
	switch strings.ToUpper(name) {
	case "PLAIN":
		return u.PlainAuth()
	case "AMQPLAIN":
		return u.AMQPlainAuth()
	case "EXTERNAL":
		return &amqp.ExternalAuth{}
	default:
		return nil
	}
}

// toldWhenRefused adds the capability authentication_failure_close to the properties that go to the broker
// together with the response. With it the broker answers a wrong password with 403 ACCESS_REFUSED. Without it
// the broker closes the socket without a word, and a wrong password looks like a node that died during the
// handshake (amqp091-go reports ErrCredentials for both). The library overwrites the capabilities it is
// given, hence this late addition.
type toldWhenRefused struct {
	amqp.Authentication
	properties amqp.Table
}

// Response is called by the library after it has set the capabilities and before it sends them.
func (a toldWhenRefused) Response() string {
	if capabilities, ok := a.properties["capabilities"].(amqp.Table); ok {
		capabilities["authentication_failure_close"] = true
	}
	return a.Authentication.Response()
}
