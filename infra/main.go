// Command infra is Warren's Pulumi program. It turns a stack's configuration into a RabbitMQ cluster with its
// load balancer on a Docker engine. Package topology says what the cluster is, package component which
// resources make it.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/component"
	"warren/infra/engine"
	"warren/infra/preflight"
)

// errReported is what a run ends with whose errors Pulumi has shown already.
var errReported = errors.New("the program failed")

func main() {
	err := run(engine.Connect)
	if err != nil && !errors.Is(err, errReported) {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil {
		os.Exit(constant.ExitStatusLoggedError)
	}
}

// run executes the program for the stack that Pulumi names in the environment.
func run(connect func(host string) (engine.Client, error), opts ...pulumi.RunOption) error {
	var settings settings
	capture := func(info *pulumi.RunInfo) { settings = settingsOf(info) }
	return pulumi.RunErr(func(ctx *pulumi.Context) error {
		err := provision(ctx, settings, connect)
		if err == nil {
			return nil
		}
		if logErr := ctx.Log.Error(err.Error(), nil); logErr != nil {
			return errors.Join(err, logErr)
		}
		return errReported
	}, append(opts, capture)...)
}

// provision declares the stack's resources. Everything that can be known to be wrong is reported before the
// first of them.
func provision(
	ctx *pulumi.Context, settings settings, connect func(host string) (engine.Client, error),
) error {
	cluster, secrets, err := settings.resolve(ctx.Project(), ctx.Stack())
	if err != nil {
		return err
	}
	// The outputs follow from the configuration alone. Declared first, they say where things are also when the
	// deployment fails halfway.
	outputs, err := stackOutputs(cluster.Outputs(secrets))
	if err != nil {
		return err
	}
	for name, value := range outputs {
		ctx.Export(name, value)
	}
	for _, warning := range cluster.Warnings() {
		if err := ctx.Log.Warn(warning, nil); err != nil {
			return err
		}
	}

	docker, err := connect(settings.dockerHost())
	if err != nil {
		return err
	}
	if err := preflight.Check(ctx.Context(), docker, cluster); err != nil {
		return err
	}
	_, err = component.NewCluster(ctx, cluster.Stack, &component.ClusterArgs{
		Topology: cluster,
		Secrets: &component.SecretsArgs{
			AdminPassword: pulumi.String(secrets.AdminPassword),
			StatsPassword: pulumi.String(secrets.StatsPassword),
			ErlangCookie:  pulumi.String(secrets.ErlangCookie),
		},
		Engine:     docker,
		PlainNames: true,
	})
	return err
}
