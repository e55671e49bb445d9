// Package declare makes sure that a running cluster has what an application needs: exchanges, queues and
// bindings. Declaring is idempotent, and never changes or deletes what is there.
package declare

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	rabbithole "github.com/michaelklishin/rabbit-hole/v2"

	"warren/operate/cluster"
	"warren/topology"
)

// Result is what became of one thing that was to be declared.
type Result struct {
	// Kind is "vhost", "exchange", "queue" or "binding".
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Created is false if it was there already, as it should be.
	Created bool `json:"created"`
}

// Application declares what an application needs.
//
// If something is there with other properties, nothing at all is declared; the error joins a *MismatchError
// for each.
func Application(ctx context.Context, c *cluster.Cluster, app topology.Application) error {
	_, err := Report(ctx, c, app)
	return err
}

// Report is Application, and tells what became of each thing.
func Report(ctx context.Context, c *cluster.Cluster, app topology.Application) ([]Result, error) {
	api, err := pick(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("declare the application: %w", err)
	}
	steps, err := plan(api, app)
	if err != nil {
		return nil, fmt.Errorf("declare the application: %w", err)
	}
	var results []Result
	for _, step := range steps {
		if !step.present {
			if err := send(step.create); err != nil {
				return results, fmt.Errorf("declare %s %s: %w", step.kind, step.name, err)
			}
		}
		results = append(results, Result{step.kind, step.name, !step.present})
	}
	return results, nil
}

// pick returns a client of a node that answers. All questions go to the same one: its view is consistent in
// itself.
func pick(ctx context.Context, c *cluster.Cluster) (*rabbithole.Client, error) {
	var picked *rabbithole.Client
	err := c.AskAny(ctx, func(api *rabbithole.Client) error {
		_, err := api.Whoami()
		picked = api
		return err
	})
	return picked, err
}

// step is one thing to declare.
type step struct {
	kind, name string
	present    bool
	create     func() (*http.Response, error)
}

// plan compares what is wanted with what is there.
func plan(api *rabbithole.Client, app topology.Application) ([]step, error) {
	vhost := app.VirtualHost
	_, err := api.GetVhost(vhost)
	hasVHost, err := found(err)
	if err != nil {
		return nil, fmt.Errorf("look for vhost %q: %w", vhost, err)
	}
	steps := []step{{"vhost", vhost, hasVHost, func() (*http.Response, error) {
		return api.PutVhost(vhost, rabbithole.VhostSettings{})
	}}}

	var mismatches []error
	for _, exchange := range app.Exchanges {
		wanted := rabbithole.ExchangeSettings{Type: exchange.Type, Durable: true}
		there, err := api.GetExchange(vhost, exchange.Name)
		present, err := found(err)
		if err != nil {
			return nil, fmt.Errorf("look for exchange %q in vhost %q: %w", exchange.Name, vhost, err)
		}
		if present {
			mismatches = append(mismatches, mismatch("exchange", exchange.Name, vhost,
				exchangeProperties(wanted.Type, wanted.Durable, wanted.AutoDelete, wanted.Arguments),
				exchangeProperties(there.Type, there.Durable, there.AutoDelete, there.Arguments)))
		}
		steps = append(steps, step{"exchange", exchange.Name, present, func() (*http.Response, error) {
			return api.DeclareExchange(vhost, exchange.Name, wanted)
		}})
	}
	for _, queue := range app.Queues {
		there, err := api.GetQueueWithParameters(vhost, queue.Name, queueColumns)
		present, err := found(err)
		if err != nil {
			return nil, fmt.Errorf("look for queue %q in vhost %q: %w", queue.Name, vhost, err)
		}
		if present {
			mismatches = append(mismatches, mismatch("queue", queue.Name, vhost,
				queueProperties(true, false, queue.Arguments),
				queueProperties(there.Durable, bool(there.AutoDelete), there.Arguments)))
		}
		steps = append(steps, step{"queue", queue.Name, present, func() (*http.Response, error) {
			return api.DeclareQueue(vhost, queue.Name,
				rabbithole.QueueSettings{Durable: true, Arguments: queue.Arguments})
		}})
	}
	if err := errors.Join(mismatches...); err != nil {
		return nil, err
	}
	for _, binding := range app.Bindings {
		next, err := planBinding(api, vhost, binding)
		if err != nil {
			return nil, err
		}
		steps = append(steps, next)
	}
	return steps, nil
}

// queueColumns asks for what makes two declarations equivalent. In full the answer has the details of every
// consumer, which rabbit-hole cannot always decode.
var queueColumns = url.Values{"columns": {"durable,auto_delete,arguments"}}

func planBinding(api *rabbithole.Client, vhost string, binding topology.Binding) (step, error) {
	name := fmt.Sprintf("%s -> %s (routing key %q)", binding.Source, binding.Destination, binding.RoutingKey)
	there, err := api.ListQueueBindingsBetween(vhost, binding.Source, binding.Destination)
	if _, err := found(err); err != nil {
		return step{}, fmt.Errorf("look for binding %s in vhost %q: %w", name, vhost, err)
	}
	present := slices.ContainsFunc(there, func(b rabbithole.BindingInfo) bool {
		return b.RoutingKey == binding.RoutingKey && len(b.Arguments) == 0
	})
	return step{"binding", name, present, func() (*http.Response, error) {
		return api.DeclareBinding(vhost, rabbithole.BindingInfo{
			Source: binding.Source, Destination: binding.Destination, DestinationType: "queue",
			RoutingKey: binding.RoutingKey,
		})
	}}, nil
}

// found tells from the error of a question whether the thing is there.
func found(err error) (bool, error) {
	var response rabbithole.ErrorResponse
	if errors.As(err, &response) && response.StatusCode == http.StatusNotFound {
		return false, nil
	}
	return err == nil, err
}

// send sends a request whose answer does not matter beyond its success.
func send(request func() (*http.Response, error)) error {
	response, err := request()
	if err != nil {
		return err
	}
	return response.Body.Close()
}
