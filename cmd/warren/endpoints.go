package main

import (
	"context"
	"crypto/tls"
	"errors"

	"github.com/spf13/pflag"

	"warren/topology"
)

// endpoints are the flags that say where a client connects.
type endpoints struct {
	urls   []string
	direct bool
}

func (e *endpoints) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&e.urls, "url", nil,
		"connect to `AMQP-URL` instead of the stack's load balancer; may be given many times, for several "+
			"endpoints")
	flags.BoolVar(&e.direct, "direct", false, "connect to the nodes themselves, not through the load balancer")
}

// resolve returns the AMQP URLs to connect to, which hold passwords: never print them. It also returns the
// outputs they are from, nil if the user gave URLs, for which the machine's own authorities count.
func (e *endpoints) resolve(ctx context.Context, opts *options) ([]string, *topology.Outputs, error) {
	if len(e.urls) > 0 {
		if e.direct {
			return nil, nil, errors.New("--url and --direct exclude each other")
		}
		return e.urls, nil, nil
	}
	outputs, err := opts.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	if e.direct {
		return outputs.AMQPURLs, &outputs, nil
	}
	return []string{outputs.AMQPURL}, &outputs, nil
}

// tlsConfig is how clients recognise what they connect to; nil for the defaults.
func tlsConfig(outputs *topology.Outputs) (*tls.Config, error) {
	if outputs == nil {
		return nil, nil
	}
	return outputs.TLSConfig()
}
