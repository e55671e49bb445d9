package deploy

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestImagesOfAStack(t *testing.T) {
	for name, tc := range map[string]struct {
		file string
		want []string
	}{
		"no file's worth": {"", []string{"rabbitmq:4.3", "haproxy:3.2", "nettools:1", "disktools:1"}},
		"defaults":        {"config: {}", []string{"rabbitmq:4.3", "haproxy:3.2", "nettools:1", "disktools:1"}},
		"others of our own": {"config:\n  'warren:image': \"warren/rabbitmq:3.10\" # the tutorial's\n",
			[]string{"rabbitmq:3.10", "haproxy:3.2", "nettools:1", "disktools:1"}},
		"official ones": {"config:\n  warren:image: rabbitmq:4.3-management\n  warren:haproxyImage: haproxy:3.2\n",
			[]string{"nettools:1", "disktools:1"}},
		"beside secrets and structures": {
			"config:\n  warren:adminPassword:\n    secure: v1:abc\n  warren:ports:\n    amqp: 1\n" +
				"  warren:image: warren/rabbitmq:4.0\n",
			[]string{"rabbitmq:4.0", "haproxy:3.2", "nettools:1", "disktools:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, empty)
			p.write("Pulumi.dev.yaml", tc.file)
			images, err := Images(p.dir, "dev")
			require.NoError(t, err)
			assert.Equal(t, tc.want, images)
			assert.Empty(t, p.calls(), "images are asked for before there is a Pulumi")
		})
	}
}

// TestImagesOfAStackThatIsWatched include those that watch it.
func TestImagesOfAStackThatIsWatched(t *testing.T) {
	watched := []string{"rabbitmq:4.3", "haproxy:3.2", "nettools:1", "disktools:1", "prometheus:3.5",
		"alertmanager:0.33"}
	for name, tc := range map[string]struct {
		file  string
		flags []string
		want  []string
	}{
		"by its file":   {"config:\n  warren:monitoring: true\n", nil, watched},
		"with settings": {"config:\n  warren:monitoring:\n    retention: 1d\n", nil, watched},
		"with an image": {"config:\n  warren:monitoring:\n    prometheusImage: prom/prometheus\n", nil,
			append(watched[:4:4], watched[5])},
		"by a flag":        {"", []string{"--config", "warren:monitoring=true"}, watched},
		"by a flag in one": {"", []string{"--config=warren:monitoring=true"}, watched},
		"not, by a flag": {"config:\n  warren:monitoring: true\n", []string{"-c", "warren:monitoring=false"},
			watched[:4]},
		"not":                  {"config:\n  warren:monitoring: false\n", nil, watched[:4]},
		"a flag with no value": {"", []string{"--yes", "-c"}, watched[:4]},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, empty)
			p.write("Pulumi.dev.yaml", tc.file)
			images, err := Images(p.dir, "dev", tc.flags...)
			require.NoError(t, err)
			assert.Equal(t, tc.want, images)
		})
	}
}

func TestImagesOfAStackThatNobodyDescribed(t *testing.T) {
	_, err := Images(newProject(t, empty).dir, "prod")
	assert.ErrorContains(t, err, "there is no Pulumi.prod.yaml")
}

func TestImagesOfAFileThatIsBroken(t *testing.T) {
	p := newProject(t, empty)
	p.write("Pulumi.dev.yaml", "config: [")
	_, err := Images(p.dir, "dev")
	assert.Error(t, err)
}
