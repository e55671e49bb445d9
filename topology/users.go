package topology

import (
	"maps"
	"slices"
)

const (
	// AgentUsername is the user that Warren's own containers work with. Its password is
	// Secrets.AgentPassword.
	AgentUsername = "warren-agent"
	// LoadBalancerUsername is the user of HAProxy's health checks, which can log in to the management
	// interface and do nothing there. Its password is Secrets.LoadBalancerPassword.
	LoadBalancerUsername = "warren-haproxy"
	// ManagedTag marks the users that Warren created. It grants nothing.
	ManagedTag = "warren"
)

// ManagedUsers are the names of the users that Warren creates: the administrator and its own.
func (c *Cluster) ManagedUsers() []string {
	return []string{c.Username, AgentUsername, LoadBalancerUsername}
}

// StaleUsers returns the users whom an earlier configuration created and managed, the current one, does not
// name, such as an administrator under a former username. Definitions can't delete a user, so that somebody
// else has to, once no node imports the former definitions any more.
//
// tags holds the tags of every user of the cluster. An operator keeps a user by taking the tag ManagedTag
// away.
func StaleUsers(managed []string, tags map[string][]string) []string {
	var stale []string
	for _, name := range slices.Sorted(maps.Keys(tags)) {
		if slices.Contains(tags[name], ManagedTag) && !slices.Contains(managed, name) {
			stale = append(stale, name)
		}
	}
	return stale
}
