package topology

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCookieFingerprint(t *testing.T) {
	fingerprint := Secrets{ErlangCookie: "COOKIE"}.CookieFingerprint("dev")
	assert.Equal(t, "751ddc0878a2fc46", fingerprint,
		"another calculation takes every existing node for one with another cookie")
	assert.Equal(t, fingerprint, Secrets{ErlangCookie: "COOKIE", AdminPassword: "a"}.CookieFingerprint("dev"))
	assert.NotEqual(t, fingerprint, Secrets{ErlangCookie: "COOKIF"}.CookieFingerprint("dev"))
	assert.NotEqual(t, fingerprint, Secrets{ErlangCookie: "COOKIE"}.CookieFingerprint("staging"))
}

func TestACookieThatWouldChangeIsRefused(t *testing.T) {
	c, err := New("dev", Config{})
	require.NoError(t, err)
	old, current := Secrets{ErlangCookie: "OLD"}, Secrets{ErlangCookie: "NEW"}
	was, is := old.CookieFingerprint("dev"), current.CookieFingerprint("dev")

	require.NoError(t, c.CheckCookie(current, nil), "no nodes yet")
	require.NoError(t, c.CheckCookie(current, map[string]string{"rabbit1": is, "rabbit2": is}))
	unlabelled := map[string]string{"rabbit1": "", "rabbit2": ""}
	require.NoError(t, c.CheckCookie(current, unlabelled), "from before the label")

	err = c.CheckCookie(current, map[string]string{"rabbit3": was, "rabbit2": was, "rabbit1": is})
	var change *CookieChange
	require.ErrorAs(t, err, &change)
	want := &CookieChange{
		Stack: "dev", Nodes: []string{"rabbit2", "rabbit3"},
		Containers: []string{"warren-dev-rabbit2", "warren-dev-rabbit3"},
	}
	assert.Equal(t, want, change)
	for _, says := range []string{
		"rabbit2, rabbit3 of stack dev would get another Erlang cookie",
		"passphrase that the stack was created with",
		"docker cp warren-dev-rabbit2:/etc/warren/erlang.cookie - | tar -xO | " +
			"pulumi config set --secret warren:erlangCookie --stack dev",
		"docker rm -f warren-dev-rabbit2 warren-dev-rabbit3",
	} {
		assert.ErrorContains(t, err, says)
	}
	for _, secret := range []string{"OLD", "NEW"} {
		assert.NotContains(t, err.Error(), secret)
	}
	leaving := map[string]string{"rabbit9": was}
	assert.Error(t, c.CheckCookie(current, leaving), "also of a node that is to leave")
}
