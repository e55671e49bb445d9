package render

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"warren/topology"
	"warren/topology/application"
)

const (
	administratorTag = "administrator"
	managementTag    = "management"
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
// users, and the virtual host "/" with full permissions for those who administer. A node with definitions to
// import creates neither guest nor any other default user. It fails without an Erlang cookie, from which the
// passwords of Warren's own users follow.
func Definitions(c *topology.Cluster, s topology.Secrets) (string, error) {
	if s.ErlangCookie == "" {
		return "", errors.New("rendering the definitions: there is no Erlang cookie")
	}
	d := definitions{
		Users: []userDefinition{
			newUser(c.Username, s.AdminPassword, administratorTag),
			newUser(topology.AgentUsername, s.AgentPassword(), administratorTag),
			newUser(topology.LoadBalancerUsername, s.LoadBalancerPassword(), managementTag),
		},
		VHosts:      []vhostDefinition{{Name: topology.DefaultVirtualHost}},
		Permissions: []permissionDefinition{fullPermission(c.Username), fullPermission(topology.AgentUsername)},
	}
	text, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return "", fmt.Errorf("rendering the definitions: %w", err)
	}
	return string(text) + "\n", nil
}

func newUser(name, password, tag string) userDefinition {
	return userDefinition{
		Name:             name,
		PasswordHash:     passwordHash(name, password),
		HashingAlgorithm: application.Hashings[0],
		Tags:             []string{tag, topology.ManagedTag},
	}
}

func fullPermission(user string) permissionDefinition {
	return permissionDefinition{
		User: user, VHost: topology.DefaultVirtualHost, Configure: ".*", Write: ".*", Read: ".*",
	}
}

// passwordHash hashes a password as RabbitMQ does: base64(salt ‖ SHA-256(salt ‖ password)) with four bytes
// of salt. The salt is derived from user and password instead of random, because a file that changes with
// every rendering would replace the nodes with every deployment.
func passwordHash(username, password string) string {
	mac := hmac.New(sha256.New, []byte(password))
	mac.Write([]byte("warren password salt\x00" + username))
	return application.HashWith(mac.Sum(nil)[:application.SaltLength], password)
}
