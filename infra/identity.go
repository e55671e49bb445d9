package main

import (
	"cmp"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi/internals"

	"warren/infra/component"
	"warren/infra/secrets"
	"warren/infra/survey"
	"warren/topology"
	"warren/topology/stackconfig"
)

// identity is what must not change between the deployments of a stack, and which its state therefore keeps.
type identity struct {
	// owner identifies the state. Empty: not known yet.
	owner   string
	secrets topology.Secrets
	// unsure says that the state may keep another Erlang cookie.
	unsure bool
}

// cookie is the Erlang cookie, as far as it is certain.
func (i identity) cookie() string {
	if i.unsure {
		return ""
	}
	return i.secrets.ErlangCookie
}

// identify returns the stack's identity, which its state keeps from the first deployment on. Secrets that are
// configured are used instead of those that are kept.
//
// check is asked whether the deployment may go on. Where the state keeps an identity already, it is asked
// with that. Otherwise it is asked with what is expected before anything is kept: a stack of an older Warren
// has secrets that follow from its passphrase, and another passphrase must not be taken for the right one.
// After that it is asked with what is kept, for the state may have it from a deployment that did not come to
// its end.
func identify(
	ctx *pulumi.Context, cluster *topology.Cluster, last survey.Last, configured topology.Secrets,
	check func(identity) error,
) (identity, error) {
	first, err := secrets.First(ctx.Project(), cluster.Stack)
	if err != nil {
		return identity{}, err
	}
	expected := identity{secrets: or(configured, first)}
	owner := secrets.Owner()
	if last.Deployed && last.Owner == "" { // by an older Warren
		owner = expected.secrets.CookieFingerprint(cluster.Stack)
		expected.owner = owner
	} else {
		expected.unsure = true // a first deployment that was killed has kept one
	}
	if last.Owner == "" {
		if err := check(expected); err != nil {
			return identity{}, err
		}
	}
	plain := func(part string) string { return part }
	kept, err := component.Keep(ctx, plain, owner, first)
	if err != nil {
		return identity{}, err
	}
	known := identity{secrets: configured}
	for _, value := range []struct {
		plain *string
		kept  pulumi.Output
	}{
		{&known.owner, kept.Owner},
		{&first.AdminPassword, kept.Secrets.AdminPassword.ToStringOutput()},
		{&first.StatsPassword, kept.Secrets.StatsPassword.ToStringOutput()},
		{&first.ErlangCookie, kept.Secrets.ErlangCookie.ToStringOutput()},
	} {
		if err := await(ctx, value.kept, value.plain); err != nil {
			return identity{}, err
		}
	}
	known.secrets = or(configured, first)
	if err := stackconfig.ValidateSecrets(known.secrets); err != nil {
		return identity{}, err
	}
	return known, check(known)
}

// await waits for a text that the state keeps. It fails if there is none.
func await(ctx *pulumi.Context, output pulumi.Output, text *string) error {
	result, err := internals.UnsafeAwaitOutput(ctx.Context(), output)
	if err != nil {
		return fmt.Errorf("read what the stack's state keeps: %w", err)
	}
	value, ok := result.Value.(string)
	if !ok || !result.Known {
		return fmt.Errorf("read what the stack's state keeps: it is not known (Pulumi %s or newer is needed)",
			oldestPulumi)
	}
	*text = value
	return nil
}

// oldestPulumi is the oldest version that Pulumi.yaml admits.
const oldestPulumi = "3.250.0"

// or returns the secrets, and of those that are empty the others.
func or(s, others topology.Secrets) topology.Secrets {
	return topology.Secrets{
		AdminPassword: cmp.Or(s.AdminPassword, others.AdminPassword),
		StatsPassword: cmp.Or(s.StatsPassword, others.StatsPassword),
		ErlangCookie:  cmp.Or(s.ErlangCookie, others.ErlangCookie),
	}
}
