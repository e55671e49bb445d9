package application

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	"warren/operate/cluster"
	"warren/topology"
	definition "warren/topology/application"
	"warren/topology/application/appfile"
)

const (
	// listTimeout bounds the export of a whole cluster's definitions. It is one answer: RabbitMQ sorts all
	// queues for every page of a paged one.
	listTimeout = time.Minute
	// changeTimeout bounds one change. A busy cluster takes seconds to found a quorum queue, and what is given
	// up on half way leaves a record whose members do not run.
	changeTimeout = 30 * time.Second
)

// State is what a cluster has, as one node knows it.
type State struct {
	Actual *definition.Application
	// Owned is what the cluster remembers of earlier declarations.
	Owned definition.Owned
	// Plugins are those that the node has enabled.
	Plugins []string

	cluster *cluster.Cluster
	node    topology.NodeOutput
	// removing are the things that are being removed.
	removing map[definition.ID]bool
}

// Look asks the first node that answers what the cluster has. All changes are asked of the same one: its view
// is consistent in itself.
func Look(ctx context.Context, c *cluster.Cluster) (*State, error) {
	failures := []error{cluster.ErrNoNodeAnswers}
	for _, node := range c.Nodes() {
		state, err := lookAt(ctx, c, node)
		if err == nil {
			return state, nil
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		failures = append(failures, fmt.Errorf("%s: %w", node.Name, err))
	}
	return nil, fmt.Errorf("look what the cluster has: %w", errors.Join(failures...))
}

func lookAt(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) (*State, error) {
	var definitions, vhosts json.RawMessage
	var nodes []struct {
		Name    string   `json:"name"`
		Plugins []string `json:"enabled_plugins"`
	}
	for _, question := range []struct {
		path string
		into any
	}{
		{"definitions", &definitions},
		{"vhosts", &vhosts},
		{"nodes?columns=name,enabled_plugins", &nodes},
	} {
		if err := c.GetWithin(ctx, node, listTimeout, question.path, question.into); err != nil {
			return nil, err
		}
	}
	state := &State{cluster: c, node: node}
	for _, n := range nodes {
		if n.Name == node.NodeName {
			state.Plugins = n.Plugins
		}
	}
	var err error
	if state.Owned, err = definition.OwnersValue(definitions); err != nil {
		return nil, err
	}
	state.Actual, err = definition.FromDefinitions(definitions, vhosts)
	return state, err
}

// Target is the cluster as one that an application is written for.
func (s *State) Target() (appfile.Target, error) {
	outputs := s.cluster.Outputs()
	series, err := topology.ParseSeries(outputs.RabbitMQSeries)
	return appfile.Target{Series: series, Plugins: s.Plugins, Reserved: Reserved(outputs)}, err
}

// Reserved are the users that are not an application's: the administrator and Warren's own.
func Reserved(outputs topology.Outputs) []string {
	return []string{outputs.Username, topology.AgentUsername, topology.LoadBalancerUsername}
}

// Export writes what the cluster has as an application's file, without passwords and Warren's own users.
func (s *State) Export() ([]byte, error) {
	return appfile.Render(s.Actual.Portable(Reserved(s.cluster.Outputs()), topology.ManagedTag))
}

// most is how many names are listed before the rest is only counted.
const most = 5

// Foreign names what the cluster has that an application could have brought. It is empty for a new cluster.
func (s *State) Foreign() []string {
	var names []string
	for _, item := range s.Actual.Portable(Reserved(s.cluster.Outputs()), topology.ManagedTag).Items {
		if item.Kind != definition.VHost || item.Name != "/" {
			names = append(names, item.String())
		}
	}
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("and %d more", len(names)-most))
	}
	return names
}

// Fallback returns the passwords, and random ones for the users that have none.
func Fallback(passwords map[string]string, app *definition.Application) map[string]string {
	all := map[string]string{}
	maps.Copy(all, passwords)
	for _, user := range app.DrawnUsers() {
		if all[user] == "" {
			all[user] = rand.Text()
		}
	}
	return all
}
