package deploy

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// interrupted is a state in which a network is known, the creation of two containers and a volume was
// begun, and so was the replacement of a third container.
const interrupted = `{"version": 3, "deployment": {
	"resources": [
		{"type": "pulumi:index:Stash", "id": "stash", "urn": "urn:pulumi:dev::warren::pulumi:index:Stash::owner",
			"outputs": {"output": "0123"}},
		{"type": "docker:index/network:Network", "id": "known", "inputs": {"name": "warren-dev"}}
	],
	"pending_operations": [
		{"type": "creating", "resource": {"type": "docker:index/container:Container", "inputs": {
			"name": "warren-dev-rabbit1", "networksAdvanced": [{"name": "warren-dev"}]}}},
		{"type": "creating", "resource": {"type": "docker:index/network:Network", "inputs": {
			"name": "warren-dev"}}},
		{"type": "creating", "resource": {"type": "docker:index/volume:Volume", "inputs": {
			"name": "warren-dev-rabbit1-data"}}},
		{"type": "deleting", "resource": {"type": "docker:index/container:Container", "id": "old", "inputs": {
			"name": "warren-dev-rabbit2"}}}
	]}}`

func left(t *testing.T, state string) leftovers {
	t.Helper()
	var deployment stateFile
	require.NoError(t, json.Unmarshal([]byte(state), &deployment))
	left, err := leftIn(deployment)
	require.NoError(t, err)
	return left
}

func TestLeftovers(t *testing.T) {
	assert.Equal(t, leftovers{
		pending:    true,
		containers: []string{"warren-dev-rabbit1"},
		networks:   []string{"warren-dev"},
		known:      map[string]bool{"known": true, "stash": true},
		owner:      "0123",
	}, left(t, interrupted))
	assert.False(t, left(t, empty).pending)
}

// fakeEngine has a container and a network of each name that is asked for, by ids.
type fakeEngine struct {
	containers, networks map[string]string
	owner                string // in the labels of all
	removed              []string
}

func (e *fakeEngine) ContainerList(_ context.Context, o container.ListOptions) ([]container.Summary, error) {
	if !o.All || !o.Filters.ExactMatch("label", "warren.stack=dev") {
		return nil, errors.New("looks for something else")
	}
	id, ok := e.containers[o.Filters.Get("name")[0]]
	if !ok {
		return nil, nil
	}
	return []container.Summary{{ID: id, Labels: map[string]string{"warren.owner": e.owner}}}, nil
}

func (e *fakeEngine) ContainerRemove(_ context.Context, id string, o container.RemoveOptions) error {
	if !o.Force || o.RemoveVolumes {
		return errors.New("removes too little, or too much")
	}
	e.removed = append(e.removed, "container "+id)
	return nil
}

func (e *fakeEngine) NetworkList(_ context.Context, o network.ListOptions) ([]network.Summary, error) {
	if !o.Filters.ExactMatch("label", "warren.stack=dev") {
		return nil, errors.New("looks for something else")
	}
	id, ok := e.networks[o.Filters.Get("name")[0]]
	if !ok {
		return nil, nil
	}
	return []network.Summary{{ID: id, Labels: map[string]string{"warren.owner": e.owner}}}, nil
}

func (e *fakeEngine) NetworkRemove(_ context.Context, id string) error {
	e.removed = append(e.removed, "network "+id)
	return nil
}

func TestOnlyWhatTheStateDoesNotKnowIsRemoved(t *testing.T) {
	s, printed := newProject(t, empty).open("dev")
	engine := &fakeEngine{
		containers: map[string]string{"^/?warren-dev-rabbit1$": "orphan", "^/?warren-dev-rabbit2$": "old"},
		networks:   map[string]string{"^/?warren-dev$": "known"},
	}
	require.NoError(t, s.removeFrom(t.Context(), engine, left(t, interrupted)))
	assert.Equal(t, []string{"container orphan"}, engine.removed)
	assert.Equal(t, "The last run on stack dev left container warren-dev-rabbit1 half made: removing it.\n",
		printed.String())
}

// D16: another clone's containers have the same names.
func TestWhatAnotherStateMadeIsNotRemoved(t *testing.T) {
	for owner, removed := range map[string][]string{"0123": {"container c", "network n"}, "4567": nil,
		"": {"container c", "network n"}} {
		s, _ := newProject(t, empty).open("dev")
		engine := &fakeEngine{
			containers: map[string]string{"^/?warren-dev-rabbit1$": "c"},
			networks:   map[string]string{"^/?warren-dev$": "n"}, owner: owner,
		}
		left := left(t, interrupted)
		require.NoError(t, s.removeFrom(t.Context(), engine, left))
		assert.Equal(t, removed, engine.removed, owner)
	}
}

func TestAHalfMadeNetworkIsRemoved(t *testing.T) {
	s, _ := newProject(t, empty).open("dev")
	engine := &fakeEngine{networks: map[string]string{"^/?warren-dev$": "orphan"}}
	require.NoError(t, s.removeFrom(t.Context(), engine, leftovers{networks: []string{"warren-dev"}}))
	assert.Equal(t, []string{"network orphan"}, engine.removed)
}

func TestNothingIsThereThatWasNotCreatedYet(t *testing.T) {
	s, _ := newProject(t, empty).open("dev")
	engine := &fakeEngine{}
	require.NoError(t, s.removeFrom(t.Context(), engine, left(t, interrupted)))
	assert.Empty(t, engine.removed)
}
