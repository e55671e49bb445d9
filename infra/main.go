// Command infra is Warren's Pulumi program. It turns a stack's configuration into a RabbitMQ cluster with
// its load balancer on a Docker engine. Package topology says what the cluster is, package component which
// resources make it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/agentbinary"
	"warren/infra/component"
	"warren/infra/engine"
	"warren/infra/preflight"
	"warren/infra/survey"
	"warren/topology"
	"warren/topology/stackconfig"
)

// errReported is what a run ends with whose errors Pulumi has shown already.
var errReported = errors.New("the program failed")

func main() {
	err := run(engine.ConnectAll, agentbinary.Build)
	if err != nil && !errors.Is(err, errReported) {
		fmt.Fprintln(os.Stderr, err)
	}
	if err != nil {
		os.Exit(constant.ExitStatusLoggedError)
	}
}

// connector connects to an engine, builder builds the agent in the project's folder for an engine's
// machine.
type (
	connector func(cluster *topology.Cluster, address string) (engine.Client, error)
	builder   func(ctx context.Context, project, machine string) (agentbinary.Binary, error)
)

// run executes the program for the stack that Pulumi names in the environment.
func run(connect connector, build builder, opts ...pulumi.RunOption) error {
	var settings settings
	capture := func(info *pulumi.RunInfo) { settings = settingsOf(info) }
	return pulumi.RunErr(func(ctx *pulumi.Context) error {
		err := provision(ctx, settings, connect, build)
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
func provision(ctx *pulumi.Context, settings settings, connect connector, build builder) error {
	last, err := survey.LastOf(ctx)
	if err != nil {
		return err
	}
	cluster, configured, err := settings.resolve(ctx.Stack())
	if err != nil {
		return err
	}
	project, err := projectFolder(ctx.RootDirectory())
	if err != nil {
		return err
	}
	app, err := readApplication(project, cluster)
	if err != nil {
		return err
	}
	for _, warning := range stackconfig.Warnings(cluster) {
		if err := ctx.Log.Warn(warning, nil); err != nil {
			return err
		}
	}
	docker, err := connect(cluster, settings.dockerHost())
	if err != nil {
		return err
	}
	docker, away, err := preflight.Reach(ctx.Context(), docker, cluster, last)
	if err != nil {
		return err
	}
	if err := preflight.Gone(ctx.Context(), cluster, last, preflight.Identify); err != nil {
		return err
	}
	for _, host := range away {
		if err := ctx.Log.Warn(fmt.Sprintf("host %s does not answer: what is on it stays as it is, and so does "+
			"the formation. Run this again when it is back", host), nil); err != nil {
			return err
		}
	}
	found, err := survey.Look(ctx.Context(), docker, cluster, last, away...)
	if err != nil {
		return err
	}
	var agents map[string]*agentbinary.Binary
	identity, err := identify(ctx, cluster, last, configured, func(expected identity) error {
		desired := survey.Desired(cluster, expected.cookie(), expected.owner)
		if len(away) > 0 && !expected.unsure { // what would change is asked while a host is away only
			if agents, err = buildAgents(ctx.Context(), docker, away, ctx.RootDirectory(), build); err != nil {
				return err
			}
			if err := change(found, cluster, agents, expected.secrets); err != nil {
				return err
			}
		}
		return preflight.Check(ctx.Context(), docker, cluster, found, desired)
	})
	if err != nil {
		return err
	}
	users, appUser, err := settings.users(cluster, identity.secrets, app)
	if err != nil {
		return err
	}
	own, err := settings.ownCertificate(cluster, now())
	if err != nil {
		return err
	}
	tls, authority, err := certificates(ctx, cluster, own, now())
	if err != nil {
		return err
	}
	if agents == nil {
		if agents, err = buildAgents(ctx.Context(), docker, away, ctx.RootDirectory(), build); err != nil {
			return err
		}
	}
	if !ctx.DryRun() && len(away) == 0 {
		if err := found.AbandonFormation(ctx.Context(), docker, cluster); err != nil {
			return err
		}
	}
	// The outputs follow from the configuration alone. They come before the resources, so that they say
	// where things are also when the deployment fails halfway, and after everything that may refuse it.
	all := cluster.Outputs(identity.secrets)
	all.Owner, all.Users, all.CACertificate = identity.owner, users, authority
	if appUser != "" {
		all = all.AsUser(cluster, appUser, app.VHostOf(appUser))
	}
	outputs, err := stackOutputs(all)
	if err != nil {
		return err
	}
	for name, value := range outputs {
		ctx.Export(name, value)
	}
	_, err = component.NewCluster(ctx, cluster.Stack, &component.ClusterArgs{
		Topology: cluster,
		Secrets: &component.SecretsArgs{
			AdminPassword: pulumi.String(identity.secrets.AdminPassword),
			StatsPassword: pulumi.String(identity.secrets.StatsPassword),
			ErlangCookie:  pulumi.String(identity.secrets.ErlangCookie),
		},
		TLS:        tls,
		Owner:      pulumi.String(identity.owner),
		Engine:     docker,
		PlainNames: true,
		Found:      found,
		Agents:     agents,
	})
	return err
}

// change finds what a deployment would change of nodes.
func change(
	found *survey.Found, cluster *topology.Cluster, agents map[string]*agentbinary.Binary,
	secrets topology.Secrets,
) error {
	settings := map[string]string{}
	for _, n := range cluster.Nodes {
		var err error
		if settings[n.Name], err = component.Settings(cluster, n, *agents[n.Host], secrets); err != nil {
			return err
		}
	}
	found.Change(cluster, settings)
	return nil
}
