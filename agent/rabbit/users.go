package rabbit

import (
	"context"
	"net/http"
)

// UserInfo is a user of the cluster.
type UserInfo struct {
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

// Users lists the users.
func (c *Client) Users(ctx context.Context, node string) ([]UserInfo, error) {
	var users []UserInfo
	err := c.get(ctx, node, "/api/users?columns=name,tags", &users)
	return users, err
}

// DeleteUser deletes a user, whose connections are closed; it may be gone already.
func (c *Client) DeleteUser(ctx context.Context, node, name string) error {
	err := c.do(ctx, http.MethodDelete, node, "/api/users/"+segment(name), nil, nil)
	if IsNotFound(err) {
		return nil
	}
	return err
}
