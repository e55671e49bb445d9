package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/agentbinary"
	"warren/infra/component"
	"warren/infra/engine"
	"warren/infra/engine/enginetest"
	"warren/infra/internal/pulumitest"
	"warren/topology"
	"warren/topology/stackconfig"
)

func TestProgramDeclaresTheConfiguredCluster(t *testing.T) {
	r, err := deploy(t, &enginetest.Fake{}, map[string]string{"warren:nodes": "5"})
	require.NoError(t, err)
	assert.Equal(t, []string{enginetest.Stack}, names(r.Of(component.ClusterType)))
	assert.ElementsMatch(t, []string{"rabbit1", "rabbit2", "rabbit3", "rabbit4", "rabbit5"},
		names(r.Of(component.NodeType)))
}

func TestProgramDeclaresNothingThatCanNotBeDeployed(t *testing.T) {
	r, err := deploy(t, &enginetest.Fake{Memory: 1}, nil)
	require.ErrorIs(t, err, errReported)
	assert.Empty(t, r.Of(pulumitest.Container))
}

func TestOutputs(t *testing.T) {
	cluster, err := stackconfig.New(enginetest.Stack, stackconfig.Config{})
	require.NoError(t, err)
	secrets := topology.Secrets{AdminPassword: "s3cret", StatsPassword: "s3cret", ErlangCookie: "s3cret"}
	outputs, err := stackOutputs(cluster.Outputs(secrets))
	require.NoError(t, err)

	assert.ElementsMatch(t, []string{
		"stack", "amqpUrl", "balancedAmqpUrls", "amqpUrls", "managementUrl", "statsUrl", "username", "password",
		"statsPassword", "network", "nodes", "loadBalancer", "loadBalancers", "formation",
		"rabbitmqSeries", "owner",
		"application", "users",
	}, names(outputs))
	for name, output := range outputs {
		if strings.Contains(fmt.Sprint(output), "s3cret") {
			assert.Containsf(t, secretOutputs, name, "output %s", name)
		}
	}
	for _, name := range secretOutputs {
		assert.Contains(t, outputs, name)
	}
}

// deploy runs the program on an engine for a stack with a configuration.
func deploy(
	t *testing.T, docker *enginetest.Fake, config map[string]string, encrypted ...string,
) (*pulumitest.Recorder, error) {
	t.Helper()
	r := &pulumitest.Recorder{}
	return r, deployWith(t, r, docker, config, encrypted...)
}

// deployWith runs the program with a recorder that knows what was deployed before.
func deployWith(
	t *testing.T, r *pulumitest.Recorder, docker *enginetest.Fake, config map[string]string, encrypted ...string,
) error {
	t.Helper()
	if _, set := os.LookupEnv("PULUMI_CONFIG_PASSPHRASE"); !set {
		t.Setenv("PULUMI_CONFIG_PASSPHRASE", "correct horse battery staple")
	}
	connect := func(*topology.Cluster, string) (engine.Client, error) { return docker, nil }
	build := func(context.Context, string, string) (agentbinary.Binary, error) {
		return agentbinary.Binary{Source: "agent", Hash: "hash"}, nil
	}
	return run(connect, build, pulumitest.WithRecorder(r),
		func(info *pulumi.RunInfo) {
			info.Config, info.ConfigSecretKeys, info.RootDirectory = config, encrypted, ".."
		})
}

func keyOf(name string) string { return namespace + name }

func names[V any](m map[string]V) []string { return slices.Collect(maps.Keys(m)) }
