package preflight

import (
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"

	"warren/infra/engine/enginetest"
	"warren/topology"
)

func TestUpgradeThatRabbitMQDoesNotSupportIsRefused(t *testing.T) {
	running := func(series ...string) *enginetest.Fake {
		containers := enginetest.Nodes("healthy", "healthy", "healthy")
		for i, s := range series {
			containers[i].Labels[topology.LabelSeries] = s
		}
		return &enginetest.Fake{Containers: containers}
	}
	for _, tc := range []struct {
		name   string
		docker *enginetest.Fake
		image  string
		says   []string
	}{
		{"a jump", running("3.13", "3.13", "3.13"), "rabbitmq:4.3",
			[]string{
				"3.13 runs on rabbit1, rabbit2, rabbit3", "no upgrade in one step", "set warren:image to 4.2, then 4.3",
			}},
		{"a downgrade", running("4.3", "4.3", "4.3"), "rabbitmq:4.2",
			[]string{"can't take over the data of a newer series", "4.3 or newer"}},
		{"back, halfway through an upgrade", running("4.3", "4.2", "4.2"), "rabbitmq:4.2",
			[]string{"4.3 runs on rabbit1, and"}},
		{"an unknown way", running("4.3", "4.3", "4.3"), "rabbitmq:4.5", []string{"go by the series between them"}},
		{"the next series", running("4.2", "4.2", "4.2"), "rabbitmq:4.3", nil},
		{"on, halfway through an upgrade", running("4.3", "4.2", "4.2"), "rabbitmq:4.3", nil},
		{"another patch", running("4.3", "4.3", "4.3"), "rabbitmq:4.3.7", nil},
		{"containers from before there were labels", running("", "", ""), "rabbitmq:4.2", nil},
		{"nothing there", &enginetest.Fake{Containers: []container.Summary{}}, "rabbitmq:4.2", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := check(t, tc.docker, topology.Config{Image: tc.image})
			if len(tc.says) == 0 {
				assert.NoError(t, err)
			}
			for _, text := range tc.says {
				assert.ErrorContains(t, err, text)
			}
		})
	}
}
