package topology

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestCookieFingerprint(t *testing.T) {
	fingerprint := Secrets{ErlangCookie: "COOKIE"}.CookieFingerprint("dev")
	assert.Equal(t, "751ddc0878a2fc46", fingerprint,
		"another calculation takes every existing node for one with another cookie")
	assert.Equal(t, fingerprint, Secrets{ErlangCookie: "COOKIE", AdminPassword: "a"}.CookieFingerprint("dev"))
	assert.NotEqual(t, fingerprint, Secrets{ErlangCookie: "COOKIF"}.CookieFingerprint("dev"))
	assert.NotEqual(t, fingerprint, Secrets{ErlangCookie: "COOKIE"}.CookieFingerprint("staging"))
}
