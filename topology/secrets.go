package topology

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
)

// Secrets are a stack's secrets. Printing or logging them shows only that they exist.
type Secrets struct {
	// AdminPassword is the password of RabbitMQ's administrator.
	AdminPassword string
	// StatsPassword is the password of HAProxy's statistics page.
	StatsPassword string
	// ErlangCookie is the secret that nodes and command line tools authenticate each other with.
	ErlangCookie string
}

// derivedBytes is the length of a derived password before it is written in base64: 192 bits.
const derivedBytes = 24

// AgentPassword returns the password of AgentUsername. It is derived from the Erlang cookie, so that every
// container of the stack that has the cookie can log in, and changes only with it.
func (s Secrets) AgentPassword() string { return s.derived("warren agent's password") }

// LoadBalancerPassword returns the password of LoadBalancerUsername. Because it is derived from the Erlang
// cookie, HAProxy's checks succeed at every node while another password is rolled out.
func (s Secrets) LoadBalancerPassword() string { return s.derived("warren load balancer's password") }

// UserPassword returns the password of an application's user, unless another is configured. It is derived
// from the Erlang cookie: who has that has the cluster anyway, and it stays the same when the passphrase
// changes.
func (s Secrets) UserPassword(user string) string { return s.derived("password of user " + user) }

// derived returns the password for a purpose that follows from the Erlang cookie.
func (s Secrets) derived(purpose string) string {
	key, err := hkdf.Key(sha256.New, []byte(s.ErlangCookie), nil, purpose, derivedBytes)
	if err != nil {
		panic("topology: " + err.Error()) // only if more bytes were asked for than HKDF has
	}
	return base64.RawURLEncoding.EncodeToString(key)
}

const redacted = "topology.Secrets{redacted}"

// String hides the secrets.
func (Secrets) String() string { return redacted }

// GoString hides the secrets.
func (Secrets) GoString() string { return redacted }

// Format hides the secrets from every verb of package fmt.
func (Secrets) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue hides the secrets from package log/slog.
func (Secrets) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON hides the secrets from encoding/json.
func (Secrets) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }
