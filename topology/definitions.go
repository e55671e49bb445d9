package topology

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

const (
	administratorTag = "administrator"
	hashingAlgorithm = "rabbit_password_hashing_sha256"
	saltLength       = 4
)

type definitions struct {
	Users       []userDefinition       `json:"users"`
	VHosts      []vhostDefinition      `json:"vhosts"`
	Permissions []permissionDefinition `json:"permissions"`
}

type userDefinition struct {
	Name             string   `json:"name"`
	PasswordHash     string   `json:"password_hash"`
	HashingAlgorithm string   `json:"hashing_algorithm"`
	Tags             []string `json:"tags"`
}

type vhostDefinition struct {
	Name string `json:"name"`
}

type permissionDefinition struct {
	User      string `json:"user"`
	VHost     string `json:"vhost"`
	Configure string `json:"configure"`
	Write     string `json:"write"`
	Read      string `json:"read"`
}

// Definitions renders the definitions that every node imports when it starts: the administrator, Warren's own
// user, the virtual host "/" and the permission for both to do everything in it. A node with definitions to
// import creates neither guest nor any other default user. It fails without an Erlang cookie, from which the
// password of Warren's own user follows.
func (c *Cluster) Definitions(s Secrets) (string, error) {
	if s.ErlangCookie == "" {
		return "", errors.New("rendering the definitions: there is no Erlang cookie")
	}
	passwords := map[string]string{c.Username: s.AdminPassword, AgentUsername: s.AgentPassword()}
	d := definitions{VHosts: []vhostDefinition{{Name: defaultVirtualHost}}}
	for _, name := range c.ManagedUsers() {
		d.Users = append(d.Users, userDefinition{
			Name:             name,
			PasswordHash:     passwordHash(name, passwords[name]),
			HashingAlgorithm: hashingAlgorithm,
			Tags:             []string{administratorTag, ManagedTag},
		})
		d.Permissions = append(d.Permissions, permissionDefinition{
			User: name, VHost: defaultVirtualHost, Configure: ".*", Write: ".*", Read: ".*",
		})
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return "", fmt.Errorf("rendering the definitions: %w", err)
	}
	return string(text) + "\n", nil
}

// passwordHash hashes a password as RabbitMQ does: base64(salt ‖ SHA-256(salt ‖ password)) with four bytes
// of salt. The salt is derived from user and password instead of random, because a file that changes with
// every rendering would replace the nodes with every deployment.
func passwordHash(username, password string) string {
	mac := hmac.New(sha256.New, []byte(password))
	mac.Write([]byte("warren password salt\x00" + username))
	salt := mac.Sum(nil)[:saltLength]
	hash := sha256.Sum256(append(salt[:saltLength:saltLength], password...))
	return base64.StdEncoding.EncodeToString(append(salt[:saltLength:saltLength], hash[:]...))
}
