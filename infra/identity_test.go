package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine/enginetest"
	"warren/infra/internal/pulumitest"
	"warren/infra/secrets"
	"warren/topology"
)

const passphrase = "correct horse battery staple"

// running is an engine with a cluster that was made with a cookie, by an owner.
func running(cookie, owner string) *enginetest.Fake {
	docker := &enginetest.Fake{
		Volumes: 3, Containers: enginetest.Nodes("healthy", "healthy", "healthy"),
		VolumeLabels: map[string]string{},
	}
	fingerprint := topology.Secrets{ErlangCookie: cookie}.CookieFingerprint(enginetest.Stack)
	docker.VolumeLabels[topology.LabelOwner] = owner
	for _, c := range docker.Containers {
		c.Labels[topology.LabelCookie] = fingerprint
		if owner != fingerprint { // older containers have none
			c.Labels[topology.LabelOwner] = owner
		}
	}
	return docker
}

// outputsBefore are those of a deployment; owner is empty if it was made by an older Warren.
func outputsBefore(owner string) map[string]any {
	outputs := map[string]any{
		"network": "warren-" + enginetest.Stack,
		"nodes": []any{
			map[string]any{"name": "rabbit1", "nodeName": "rabbit@rabbit1"},
			map[string]any{"name": "rabbit2", "nodeName": "rabbit@rabbit2"},
			map[string]any{"name": "rabbit3", "nodeName": "rabbit@rabbit3"},
		},
	}
	if owner != "" {
		outputs["owner"] = owner
	}
	return outputs
}

// keeps is what a state keeps.
func keeps(owner, cookie string) map[string]any {
	return map[string]any{"owner": owner, "secrets": map[string]any{
		"adminPassword": "admin's", "statsPassword": "stats'", "erlangCookie": cookie,
	}}
}

// cookies are the Erlang cookies of the nodes that were declared.
func cookies(r *pulumitest.Recorder) []any {
	var found []any
	for _, name := range []string{"rabbit1", "rabbit2", "rabbit3"} {
		for _, upload := range pulumitest.Array(r.Of(pulumitest.Container)[name].Inputs["uploads"]) {
			if upload.ObjectValue()["file"].StringValue() == topology.CookiePath {
				found = append(found, pulumitest.Plain(upload.ObjectValue()["content"]))
			}
		}
	}
	return found
}

// D7: the cookie does not follow a new passphrase.
func TestANewPassphraseChangesNothing(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", "a new one")
	r := &pulumitest.Recorder{Outputs: outputsBefore("0123"), Kept: keeps("0123", "COOKIE")}
	require.NoError(t, deployWith(t, r, running("COOKIE", "0123"), nil))
	assert.Equal(t, []any{"COOKIE", "COOKIE", "COOKIE"}, cookies(r))
	assert.Equal(t, "0123", r.Of(pulumitest.Container)["rabbit1"].Labels()[topology.LabelOwner])
}

func TestAnOlderStackGoesOnWithItsSecrets(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", passphrase)
	derived, err := secrets.First("warren", enginetest.Stack)
	require.NoError(t, err)
	fingerprint := derived.CookieFingerprint(enginetest.Stack)
	r := &pulumitest.Recorder{Outputs: outputsBefore("")}
	require.NoError(t, deployWith(t, r, running(derived.ErlangCookie, fingerprint), nil))
	assert.Equal(t, []any{derived.ErlangCookie, derived.ErlangCookie, derived.ErlangCookie}, cookies(r))
	assert.Equal(t, fingerprint, r.Of(pulumitest.Volume)["rabbit1-data"].Labels()[topology.LabelOwner])
}

// D7: another passphrase is not taken for that of a stack whose state keeps nothing yet.
func TestAnotherPassphraseOfAnOlderStackIsRefused(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", passphrase)
	for name, docker := range map[string]*enginetest.Fake{
		"containers": running("COOKIE", ""),
		"volumes":    {Volumes: 3, VolumeLabels: map[string]string{topology.LabelOwner: "4567"}},
	} {
		r := &pulumitest.Recorder{Outputs: outputsBefore("")}
		require.ErrorIs(t, deployWith(t, r, docker, nil), errReported, name)
		assert.Empty(t, r.Of(pulumitest.Stash), "%s: nothing is kept for good", name)
		assert.Empty(t, r.Of(pulumitest.Container), name)
	}
}

func TestAConfiguredCookieThatIsAnotherIsRefused(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", passphrase)
	r := &pulumitest.Recorder{Outputs: outputsBefore("0123"), Kept: keeps("0123", "COOKIE")}
	err := deployWith(t, r, running("COOKIE", "0123"), map[string]string{keyOf("erlangCookie"): "NEW"},
		keyOf("erlangCookie"))
	require.ErrorIs(t, err, errReported)
	assert.Empty(t, r.Of(pulumitest.Container))
}

// D16: another clone has a state of its own, and perhaps the same passphrase.
func TestAnotherCloneIsRefused(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", passphrase)
	r := &pulumitest.Recorder{}
	require.ErrorIs(t, deployWith(t, r, running("COOKIE", "0123"), nil), errReported)
	assert.Empty(t, r.Of(pulumitest.Container))
	assert.Empty(t, r.Of(pulumitest.Volume))
}

// A deployment that was killed has kept an identity, and no outputs.
func TestAKilledFirstDeploymentIsResumed(t *testing.T) {
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", "")
	docker := running("COOKIE", "0123")
	docker.Containers = docker.Containers[:1]
	r := &pulumitest.Recorder{Kept: keeps("0123", "COOKIE")}
	require.NoError(t, deployWith(t, r, docker, nil))
	assert.Equal(t, []any{"COOKIE", "COOKIE", "COOKIE"}, cookies(r))
}
