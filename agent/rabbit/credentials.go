package rabbit

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"warren/topology"
)

// restoreUser makes the agent's user what it is to be. The tools need nothing for that but the Erlang
// cookie. It is called when a node refuses the user, which somebody then deleted or changed.
func (c *Client) restoreUser(ctx context.Context, node string) error {
	c.restoring.Lock()
	defer c.restoring.Unlock()
	if c.try(ctx, http.MethodGet, node, "/api/whoami", nil, nil) == nil {
		return nil // another request was refused at the same time, and has restored it
	}
	// The password goes to the tool's standard input: an argument would show in the list of processes.
	_, err := c.tools.Run(ctx, Command{Tool: CTL, Node: node, Args: []string{"add_user", topology.AgentUsername},
		Input: c.password})
	if err != nil {
		_, err = c.tools.Run(ctx, Command{
			Tool: CTL, Node: node, Args: []string{"change_password", topology.AgentUsername}, Input: c.password,
		})
	}
	if err != nil {
		return fmt.Errorf("restoring the user %s: %w", topology.AgentUsername, err)
	}
	_, err = c.tools.Run(ctx, Command{
		Tool: CTL, Node: node,
		Args: []string{"set_user_tags", topology.AgentUsername, "administrator", topology.ManagedTag},
	})
	if err != nil {
		return fmt.Errorf("restoring the tags of the user %s: %w", topology.AgentUsername, err)
	}
	return nil
}

// VHosts returns the names of all virtual hosts, and sees to it that the agent has permissions in each:
// RabbitMQ does not list the queues of a virtual host that a user has no permissions in, not even to an
// administrator.
func (c *Client) VHosts(ctx context.Context, node string) ([]string, error) {
	var vhosts []struct {
		Name string `json:"name"`
	}
	if err := c.get(ctx, node, "/api/vhosts?disable_stats=true&columns=name", &vhosts); err != nil {
		return nil, err
	}
	var permissions []struct {
		VHost     string `json:"vhost"`
		Configure string `json:"configure"`
		Write     string `json:"write"`
		Read      string `json:"read"`
	}
	if err := c.get(ctx, node, "/api/users/"+topology.AgentUsername+"/permissions", &permissions); err != nil {
		return nil, err
	}
	var names, permitted []string
	for _, p := range permissions {
		if p.Configure == everything && p.Write == everything && p.Read == everything {
			permitted = append(permitted, p.VHost)
		}
	}
	for _, vhost := range vhosts {
		names = append(names, vhost.Name)
		if slices.Contains(permitted, vhost.Name) {
			continue
		}
		path := "/api/permissions/" + segment(vhost.Name) + "/" + topology.AgentUsername
		all := map[string]string{"configure": everything, "write": everything, "read": everything}
		if err := c.do(ctx, http.MethodPut, node, path, all, nil); err != nil {
			return nil, err
		}
	}
	return names, nil
}

// everything is the permission for all names.
const everything = ".*"
