package survey

import (
	"context"
	"fmt"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"

	"warren/infra/engine"
	"warren/topology"
)

// Place names something on the engine of a host. Without hosts, the host's name is empty.
type Place struct{ Host, Name string }

// inventory is what the engines have. Pulumi's state may know of things that are not there any more: they
// were removed by hand, or with their host. A refresh would find that, but it needs every engine. So the
// program looks by itself, and gives what is missing a renewal: a value that the state can't have, by which
// Pulumi replaces it.
type inventory struct {
	volumes, networks map[Place]bool
	// images are the IDs of images, by reference.
	images map[Place]string
	// fresh is the renewal, a number that is higher than that of any deployment before.
	fresh string
}

func newInventory(now time.Time) inventory {
	return inventory{
		volumes: map[Place]bool{}, networks: map[Place]bool{}, images: map[Place]string{},
		fresh: fmt.Sprint(now.Unix()),
	}
}

// listing is what one engine has of a stack.
type listing struct {
	containers []container.Summary
	volumes    []*volume.Volume
	networks   []network.Summary
	images     map[string]string
}

func list(ctx context.Context, docker engine.Client, cluster *topology.Cluster) (of listing, err error) {
	ours := engine.OfStack(cluster.Stack)
	of.containers, err = docker.ContainerList(ctx, container.ListOptions{All: true, Filters: ours})
	if err != nil {
		return of, fmt.Errorf("list the containers of stack %s: %w", cluster.Stack, err)
	}
	volumes, err := docker.VolumeList(ctx, volume.ListOptions{Filters: ours})
	if err != nil {
		return of, fmt.Errorf("list the volumes of stack %s: %w", cluster.Stack, err)
	}
	of.volumes = volumes.Volumes
	if of.networks, err = docker.NetworkList(ctx, network.ListOptions{Filters: ours}); err != nil {
		return of, fmt.Errorf("list the networks of stack %s: %w", cluster.Stack, err)
	}
	of.images = map[string]string{}
	for _, reference := range cluster.Images() {
		// What can't be looked up is for preflight to tell.
		if image, err := docker.ImageInspect(ctx, reference); err == nil {
			of.images[reference] = image.ID
		}
	}
	return of, nil
}

// add adds what the engine of a host has.
func (f *Found) add(host string, of listing) {
	for _, c := range of.containers {
		f.Containers[Place{host, nameOf(c)}] = containerOf(c)
		f.things = append(f.things, thing{"container " + nameOf(c), c.Labels})
	}
	for _, v := range of.volumes {
		f.volumes[Place{host, v.Name}] = true
		f.things = append(f.things, thing{"volume " + v.Name, v.Labels})
	}
	for _, n := range of.networks {
		f.networks[Place{host, n.Name}] = true
		f.things = append(f.things, thing{"network " + n.Name, n.Labels})
	}
	for reference, id := range of.images {
		f.images[Place{host, reference}] = id
	}
}

func onHost(name string) string {
	if name == "" {
		return ""
	}
	return " on host " + name
}

// HasVolume tells whether a node has a volume, which makes it a member, or a node that may become one.
func (f *Found) HasVolume(cluster *topology.Cluster, n topology.Node) bool {
	return f.volumes[Place{n.Host, cluster.VolumeName(n)}]
}

// Image is the ID of an image on a host; empty if it is not there, or nobody looked.
func (f *Found) Image(host, reference string) string {
	if f == nil {
		return ""
	}
	return f.images[Place{host, reference}]
}

// VolumeRenewal is the renewal of a volume: empty if it is there or was never made.
func (f *Found) VolumeRenewal(host, name string) string {
	if f == nil {
		return ""
	}
	return f.renewal(host, f.volumes[Place{host, name}])
}

// NetworkRenewal is the renewal of a network, see VolumeRenewal.
func (f *Found) NetworkRenewal(host, name string) string {
	if f == nil {
		return ""
	}
	return f.renewal(host, f.networks[Place{host, name}])
}

// ImageRenewal is the renewal of an image, see VolumeRenewal.
func (f *Found) ImageRenewal(host, reference string) string {
	if f == nil {
		return ""
	}
	_, there := f.images[Place{host, reference}]
	return f.renewal(host, there)
}

// renewal is the renewal of something on a host. A first deployment renews nothing: the state knows nothing.
func (f *Found) renewal(host string, there bool) string {
	if there || f.IsAway(host) || f.Last.Known && !f.Last.Deployed {
		return ""
	}
	return f.fresh
}
