package component

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/secrets"
	"warren/topology"
)

// SecretsArgs are the secrets of a cluster. The components mark them as secret, whatever they are given.
// What is left out is derived from the passphrase that encrypts the stack, if there is one.
type SecretsArgs struct {
	// AdminPassword is the password of RabbitMQ's administrator.
	AdminPassword pulumi.StringInput `pulumi:"adminPassword"`
	// StatsPassword is the password of HAProxy's statistics page.
	StatsPassword pulumi.StringInput `pulumi:"statsPassword"`
	// ErlangCookie authenticates nodes and command-line tools to each other.
	ErlangCookie pulumi.StringInput `pulumi:"erlangCookie"`
}

// withDefaults returns the secrets with none left out.
func (s *SecretsArgs) withDefaults(ctx *pulumi.Context, cluster *topology.Cluster) (*SecretsArgs, error) {
	var resolved SecretsArgs
	if s != nil {
		resolved = *s
	}
	if resolved.AdminPassword != nil && resolved.StatsPassword != nil && resolved.ErlangCookie != nil {
		return &resolved, nil
	}
	derived, err := secrets.Derive(ctx.Project(), cluster.Stack)
	if err != nil {
		return nil, err
	}
	for _, secret := range []struct {
		value   *pulumi.StringInput
		derived string
	}{
		{&resolved.AdminPassword, derived.AdminPassword},
		{&resolved.StatsPassword, derived.StatsPassword},
		{&resolved.ErlangCookie, derived.ErlangCookie},
	} {
		if *secret.value == nil {
			*secret.value = pulumi.String(secret.derived)
		}
	}
	return &resolved, nil
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
		if err := plain.Validate(); err != nil {
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
