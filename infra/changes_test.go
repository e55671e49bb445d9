package main

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
)

// TestWhatAChangeTouches tells which containers have other inputs after a change, and so what a deployment does.
func TestWhatAChangeTouches(t *testing.T) {
	const (
		nodes       = "rabbit1 rabbit2 rabbit3"
		memberships = "rabbit1-join rabbit2-join rabbit3-join"
	)
	for _, tc := range []struct {
		name   string
		config map[string]string
		want   string
	}{
		{"a heartbeat", map[string]string{"warren:heartbeatSeconds": "30"}, nodes},
		{"a memory limit, which RabbitMQ has to know", map[string]string{"warren:memoryLimit": "1GiB"}, nodes},
		{"a line of rabbitmq.conf", map[string]string{"warren:rabbitmqConf": "channel_max = 100"}, nodes},
		{"nodes that are added", map[string]string{"warren:nodes": "5"}, "formation haproxy-config " + memberships},
		{"a port of the load balancer", map[string]string{"warren:ports": `{"stats": 9999}`}, "haproxy"},
		{"how failures are detected", map[string]string{"warren:failureDetection": "relaxed"}, "haproxy-config " + nodes},
		{"a node's type", map[string]string{"warren:image": "rabbitmq:3.10", "warren:nodeTypes": `{"rabbit2": "ram"}`}, "rabbit2-join"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			before := map[string]string{}
			if image, set := tc.config["warren:image"]; set {
				before["warren:image"] = image
			}
			old, changed := mustDeploy(t, &fakeEngine{}, before).of(typeContainer), mustDeploy(t, &fakeEngine{}, tc.config).of(typeContainer)
			var touched []string
			for _, name := range slices.Sorted(maps.Keys(old)) {
				if !reflect.DeepEqual(inputsOf(old[name]), inputsOf(changed[name])) {
					touched = append(touched, name)
				}
			}
			assert.ElementsMatch(t, strings.Fields(tc.want), touched)
		})
	}
}

func inputsOf(d declared) any { return plain(resource.NewObjectProperty(d.inputs)) }
