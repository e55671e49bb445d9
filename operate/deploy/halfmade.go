package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"warren/internal/dockerhost"
	"warren/internal/parallel"
	"warren/topology"
)

// The resource types of which the engine can have what the state does not know. Volumes are not among them:
// creating one that exists succeeds, and they hold data.
const (
	containerType = "docker:index/container:Container"
	networkType   = "docker:index/network:Network"
	// stashType is the type of what the state keeps, ownerName the name of that by which it identifies itself.
	stashType, ownerName = "pulumi:index:Stash", "owner"
)

// leftovers are what a killed run left in a stack's state.
type leftovers struct {
	// pending says that operations were begun and not ended.
	pending bool
	// containers and networks are the names of those whose creation was begun.
	containers, networks []string
	// known are the ids of what the state knows.
	known map[string]bool
	// owner is what the state identifies itself by; empty if it was not used since states do.
	owner string
}

// made tells whether something that has these labels was made from the state, as far as they tell.
func (l leftovers) made(labels map[string]string) bool {
	owner := labels[topology.LabelOwner]
	return owner == "" || owner == l.owner
}

func leftIn(state stateFile) (leftovers, error) {
	text, err := json.Marshal(state.Deployment)
	if err != nil {
		return leftovers{}, err
	}
	var deployment apitype.DeploymentV3
	if err := json.Unmarshal(text, &deployment); err != nil {
		return leftovers{}, err
	}
	left := leftovers{pending: len(deployment.PendingOperations) > 0, known: map[string]bool{}}
	for _, resource := range deployment.Resources {
		left.known[string(resource.ID)] = true
		if string(resource.Type) == stashType && resource.URN.Name() == ownerName {
			left.owner, _ = resource.Outputs["output"].(string)
		}
	}
	for _, operation := range deployment.PendingOperations {
		name, _ := operation.Resource.Inputs["name"].(string)
		if operation.Type != apitype.OperationTypeCreating || name == "" {
			continue
		}
		switch operation.Resource.Type {
		case containerType:
			left.containers = append(left.containers, name)
		case networkType:
			left.networks = append(left.networks, name)
		}
	}
	return left, nil
}

// engine is the part of the Docker engine's API that finds and removes what is half made.
type engine interface {
	ContainerList(context.Context, container.ListOptions) ([]container.Summary, error)
	ContainerRemove(context.Context, string, container.RemoveOptions) error
	NetworkList(context.Context, network.ListOptions) ([]network.Summary, error)
	NetworkRemove(context.Context, string) error
}

// removeHalfMade removes containers and networks that a killed run had begun to create. Nothing in them is
// lost. It returns the hosts that do not answer.
func (s *Stack) removeHalfMade(ctx context.Context, left leftovers) (silent []string, err error) {
	settings, err := settingsOf(s.root, s.name)
	if err != nil {
		return nil, err
	}
	hosts, err := settings.hosts()
	if err != nil {
		return nil, err
	}
	silent = away(ctx, hosts)
	hosts = slices.DeleteFunc(hosts, func(h topology.Host) bool { return slices.Contains(silent, h.Name) })
	if len(hosts) == 0 && len(silent) == 0 {
		hosts = []topology.Host{{Engine: settings["docker:host"]}}
	}
	return silent, parallel.Each(hosts, func(h topology.Host) error {
		docker, err := dockerhost.Connect(h)
		if err != nil {
			return err
		}
		defer docker.Close()
		return s.removeFrom(ctx, docker, left)
	})
}

// removeFrom removes what has the name and the stack's label, unless the state knows its id or another state
// made it.
func (s *Stack) removeFrom(ctx context.Context, docker engine, left leftovers) error {
	for _, name := range left.containers {
		found, err := docker.ContainerList(ctx, container.ListOptions{All: true, Filters: s.named(name)})
		if err != nil {
			return err
		}
		for _, c := range found {
			if left.known[c.ID] || !left.made(c.Labels) {
				continue
			}
			s.announce("container", name)
			if err := docker.ContainerRemove(ctx, c.ID, container.RemoveOptions{Force: true}); err != nil {
				return err
			}
		}
	}
	for _, name := range left.networks {
		found, err := docker.NetworkList(ctx, network.ListOptions{Filters: s.named(name)})
		if err != nil {
			return err
		}
		for _, n := range found {
			if left.known[n.ID] || !left.made(n.Labels) {
				continue
			}
			s.announce("network", name)
			if err := docker.NetworkRemove(ctx, n.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// named selects what has a name and the stack's label.
func (s *Stack) named(name string) filters.Args {
	return filters.NewArgs(
		filters.Arg("name", "^/?"+name+"$"), filters.Arg("label", topology.StackLabel(s.name)))
}

func (s *Stack) announce(kind, name string) {
	fmt.Fprintf(s.err, "The last run on stack %s left %s %s half made: removing it.\n", s.name, kind, name)
}
