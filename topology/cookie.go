package topology

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	fingerprintBytes = 8
	// fingerprintRounds make it slow to try guesses of a cookie that a person chose against its fingerprint.
	fingerprintRounds = 100_000
)

// CookieFingerprint tells the Erlang cookie of a stack from another one, as LabelCookie records it. The
// cookie can't be calculated from it, and cookies of different stacks can't be compared by it.
func (s Secrets) CookieFingerprint(stack string) string {
	salt := []byte("warren cookie fingerprint\x00" + stack)
	key, err := pbkdf2.Key(sha256.New, s.ErlangCookie, salt, fingerprintRounds, fingerprintBytes)
	if err != nil {
		panic("topology: " + err.Error()) // only for parameters that the standards forbid
	}
	return hex.EncodeToString(key)
}

// CookieChange says that a deployment would give nodes another Erlang cookie than they have.
type CookieChange struct {
	Stack string
	// Nodes are the host names of the nodes with another cookie, and Containers their containers.
	Nodes, Containers []string
}

// Error says what is wrong and how to go on.
func (e *CookieChange) Error() string {
	return fmt.Sprintf(`%s of stack %s would get another Erlang cookie.
Nodes with different cookies can't form a cluster, so that a cookie can't be replaced node by node. Either
- go back to the passphrase that the stack was created with: another clone of the project has another one,
  and pulumi stack change-secrets-provider makes a new one; or
- keep the nodes' cookie whatever the passphrase is:
    docker cp %s:%s - | tar -xO | pulumi config set --secret warren:erlangCookie --stack %s
- or, for a new cookie, stop all nodes at once by removing their containers, which leaves the data on their
  volumes. pulumi up starts them together:
    docker rm -f %s`,
		strings.Join(e.Nodes, ", "), e.Stack, e.Containers[0], CookiePath, e.Stack,
		strings.Join(e.Containers, " "))
}

// CheckCookie returns a *CookieChange if nodes of the stack exist that were made with another Erlang cookie.
// recorded holds the value of LabelCookie by the host name of the node; an empty one, of a node from before
// there was that label, is not judged.
func (c *Cluster) CheckCookie(s Secrets, recorded map[string]string) error {
	fingerprint := s.CookieFingerprint(c.Stack)
	change := &CookieChange{Stack: c.Stack}
	for _, node := range slices.Sorted(maps.Keys(recorded)) {
		if recorded[node] != "" && recorded[node] != fingerprint {
			change.Nodes = append(change.Nodes, node)
			change.Containers = append(change.Containers, c.ContainerName(Node{Name: node}))
		}
	}
	if len(change.Nodes) == 0 {
		return nil
	}
	return change
}
