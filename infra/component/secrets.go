package component

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/secrets"
	"warren/topology"
	"warren/topology/stackconfig"
)

// SecretsArgs are the secrets of a cluster. The components mark them as secret, whatever they are given.
// Those that are left out of ClusterArgs are the ones that the stack's state keeps.
type SecretsArgs struct {
	// AdminPassword is the password of RabbitMQ's administrator.
	AdminPassword pulumi.StringInput `pulumi:"adminPassword"`
	// StatsPassword is the password of HAProxy's statistics page.
	StatsPassword pulumi.StringInput `pulumi:"statsPassword"`
	// ErlangCookie authenticates nodes and command-line tools to each other.
	ErlangCookie pulumi.StringInput `pulumi:"erlangCookie"`
}

// complete tells whether no secret is left out.
func (s *SecretsArgs) complete() bool {
	return s != nil && s.AdminPassword != nil && s.StatsPassword != nil && s.ErlangCookie != nil
}

// or returns the secrets, and of those that are left out the ones that are kept.
func (s *SecretsArgs) or(kept *SecretsArgs) *SecretsArgs {
	if s == nil {
		return kept
	}
	resolved := *s
	for _, secret := range []struct{ value, kept *pulumi.StringInput }{
		{&resolved.AdminPassword, &kept.AdminPassword},
		{&resolved.StatsPassword, &kept.StatsPassword},
		{&resolved.ErlangCookie, &kept.ErlangCookie},
	} {
		if *secret.value == nil {
			*secret.value = *secret.kept
		}
	}
	return &resolved
}

// Kept is what the stack's state keeps from the first deployment on: it does not change with a passphrase, a
// clone or a configuration.
type Kept struct {
	// Owner identifies the state. It is a label of everything that the cluster consists of, so that another
	// clone does not take that for its own.
	Owner pulumi.StringOutput
	// Secrets are those that the cluster began with.
	Secrets *SecretsArgs
}

// Names of what the secrets are kept as.
const (
	keptAdminPassword = "adminPassword"
	keptStatsPassword = "statsPassword"
	keptErlangCookie  = "erlangCookie"
)

// Keep declares what the stack's state keeps. What it is first is of interest to the first deployment only.
// The resources are named after name.
func Keep(
	ctx *pulumi.Context, name func(part string) string, owner string, first topology.Secrets,
	opts ...pulumi.ResourceOption,
) (*Kept, error) {
	opts = append(opts, pulumi.IgnoreChanges([]string{"input"}))
	ownerStash, err := pulumi.NewStash(ctx, name("owner"),
		&pulumi.StashArgs{Input: pulumi.String(owner)}, opts...)
	if err != nil {
		return nil, err
	}
	secretsStash, err := pulumi.NewStash(ctx, name("secrets"),
		&pulumi.StashArgs{Input: pulumi.ToSecret(pulumi.StringMap{
			keptAdminPassword: pulumi.String(first.AdminPassword),
			keptStatsPassword: pulumi.String(first.StatsPassword),
			keptErlangCookie:  pulumi.String(first.ErlangCookie),
		}).(pulumi.Input)}, opts...)
	if err != nil {
		return nil, err
	}
	secret := func(key string) pulumi.StringOutput {
		return pulumi.ToSecret(secretsStash.Output.ApplyT(func(value any) (string, error) {
			values, _ := value.(map[string]any)
			text, ok := values[key].(string)
			if !ok {
				return "", fmt.Errorf("the stack's state keeps no %s", key)
			}
			return text, nil
		})).(pulumi.StringOutput)
	}
	return &Kept{
		Owner: ownerStash.Output.ApplyT(func(value any) (string, error) {
			text, ok := value.(string)
			if !ok {
				return "", fmt.Errorf("the stack's state keeps no owner")
			}
			return text, nil
		}).(pulumi.StringOutput),
		Secrets: &SecretsArgs{
			AdminPassword: secret(keptAdminPassword),
			StatsPassword: secret(keptStatsPassword),
			ErlangCookie:  secret(keptErlangCookie),
		},
	}, nil
}

// keep declares what the state keeps for a cluster that is not given its owner and all secrets.
func (a *ClusterArgs) keep(
	ctx *pulumi.Context, name func(part string) string, opts ...pulumi.ResourceOption,
) error {
	if a.Secrets.complete() && a.Owner != nil {
		return nil
	}
	first, err := secrets.First(ctx.Project(), a.Topology.Stack)
	if err != nil {
		return err
	}
	kept, err := Keep(ctx, name, secrets.Owner(), first, opts...)
	if err != nil {
		return err
	}
	a.Secrets = a.Secrets.or(kept.Secrets)
	if a.Owner == nil {
		a.Owner = kept.Owner
	}
	return nil
}

// render returns what is rendered from the secrets. It is secret, and has a value once the secrets and what
// it has to come after have one. Secrets that can't be used are an error.
func (s *SecretsArgs) render(
	render func(topology.Secrets) (string, error), after ...any,
) pulumi.StringOutput {
	inputs := append([]any{s.AdminPassword, s.StatsPassword, s.ErlangCookie}, after...)
	return pulumi.ToSecret(pulumi.All(inputs...).ApplyT(func(values []any) (string, error) {
		plain := topology.Secrets{
			AdminPassword: values[0].(string),
			StatsPassword: values[1].(string),
			ErlangCookie:  values[2].(string),
		}
		if err := stackconfig.ValidateSecrets(plain); err != nil {
			return "", err
		}
		return render(plain)
	})).(pulumi.StringOutput)
}

// cookie is the Erlang cookie.
func (s *SecretsArgs) cookie() pulumi.StringOutput {
	return s.render(func(plain topology.Secrets) (string, error) { return plain.ErlangCookie, nil })
}

// fingerprint returns what tells the Erlang cookie from another one, for a label. It is not secret.
func (s *SecretsArgs) fingerprint(stack string) pulumi.StringOutput {
	return pulumi.Unsecret(s.ErlangCookie.ToStringOutput().ApplyT(func(cookie string) string {
		return topology.Secrets{ErlangCookie: cookie}.CookieFingerprint(stack)
	})).(pulumi.StringOutput)
}
