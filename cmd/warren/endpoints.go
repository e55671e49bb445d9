package main

import (
	"context"
	"errors"

	"github.com/spf13/pflag"
)

// endpoints are the flags that say where a client connects.
type endpoints struct {
	urls   []string
	direct bool
}

func (e *endpoints) register(flags *pflag.FlagSet) {
	flags.StringArrayVar(&e.urls, "url", nil,
		"connect to `AMQP-URL` instead of the stack's load balancer; may be given many times, for several endpoints")
	flags.BoolVar(&e.direct, "direct", false, "connect to the nodes themselves, not through the load balancer")
}

// resolve returns the AMQP URLs to connect to. They hold passwords: never print them.
func (e *endpoints) resolve(ctx context.Context, opts *options) ([]string, error) {
	if len(e.urls) > 0 {
		if e.direct {
			return nil, errors.New("--url and --direct exclude each other")
		}
		return e.urls, nil
	}
	outputs, err := opts.read(ctx)
	if err != nil {
		return nil, err
	}
	if e.direct {
		return outputs.AMQPURLs, nil
	}
	return []string{outputs.AMQPURL}, nil
}
