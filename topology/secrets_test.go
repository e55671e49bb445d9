package topology

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSecretsShowNowhere(t *testing.T) {
	s := Secrets{AdminPassword: "hunter2", StatsPassword: "hunter2", ErlangCookie: "hunter2"}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("secrets", "s", s, "p", &s)
	asJSON, err := json.Marshal(map[string]any{"s": s, "p": &s})
	require.NoError(t, err)
	for _, shown := range []string{
		s.String(), s.GoString(), fmt.Sprint(s), fmt.Sprintf("%v %+v %#v %s %q %x %d", s, s, s, s, s, s, s),
		fmt.Sprintf("%+v", struct{ S Secrets }{s}), fmt.Sprintf("%+v", &s), log.String(), string(asJSON),
	} {
		assert.NotContains(t, shown, "hunter2")
		assert.NotContains(t, shown, "68756e74657232", "in hexadecimal")
		assert.Contains(t, shown, "redacted")
	}
}

func TestWarrensOwnPasswordsFollowFromTheCookieAlone(t *testing.T) {
	balancer := Secrets{ErlangCookie: "COOKIE"}.LoadBalancerPassword()
	assert.Equal(t, "PvRqXxp8LPE5Lg3qbI0Dda_9IwvTgeHt", balancer,
		"another derivation locks HAProxy's checks out of clusters that exist")
	password := Secrets{ErlangCookie: "COOKIE"}.AgentPassword()
	assert.Equal(t, "rVFJ4kDjvcAT2Ootj48SXFLkgThvfKy5", password,
		"another derivation locks the agent out of clusters that exist")
	others := Secrets{ErlangCookie: "COOKIE", AdminPassword: "a", StatsPassword: "b"}
	assert.Equal(t, password, others.AgentPassword())
	assert.NotEqual(t, password, Secrets{ErlangCookie: "COOKIF"}.AgentPassword())
	assert.Regexp(t, `^[A-Za-z0-9_-]{32}$`, password, "it needs no quoting anywhere")
}
