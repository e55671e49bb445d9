package deploy

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"

	"warren/internal/dockerhost"
	"warren/internal/imagecopy"
	"warren/internal/parallel"
	"warren/topology"
)

// hosts are the hosts that a stack is spread over, as far as they can be read. What is wrong with them is for
// the program to tell.
func (s settings) hosts() ([]topology.Host, error) {
	text := s["warren:hosts"]
	if text == "" {
		return nil, nil
	}
	var hosts []topology.Host
	if err := json.Unmarshal([]byte(text), &hosts); err != nil {
		return nil, fmt.Errorf("warren:hosts: %w", err)
	}
	return hosts, nil
}

// CopyImages copies the images that images/build makes from this machine's engine to those of the stack's
// hosts, which can pull them from nowhere. It tells what it does. Flags are those of `pulumi up`.
func CopyImages(ctx context.Context, root, stack string, out io.Writer, flags ...string) error {
	settings, err := settingsOf(root, stack)
	if err != nil {
		return err
	}
	settings.override(flags)
	hosts, err := settings.hosts()
	if err != nil || len(hosts) == 0 {
		return err
	}
	var images []string
	for _, name := range settings.images() {
		images = append(images, ownImages+name)
	}
	own, err := dockerhost.Connect(topology.Host{})
	if err != nil {
		return err
	}
	defer own.Close()
	var mu sync.Mutex // guards out
	return parallel.Each(hosts, func(h topology.Host) error {
		docker, err := dockerhost.Connect(h)
		if err != nil {
			return err
		}
		defer docker.Close()
		copied, err := imagecopy.Copy(ctx, own, docker, images...)
		if err != nil {
			return fmt.Errorf("copy images to host %s: %w", h.Name, err)
		}
		if len(copied) > 0 {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintf(out, "Copied to host %s: %s\n", h.Name, strings.Join(copied, ", "))
		}
		return nil
	})
}
