// Package imagecopy brings images from one Docker engine to others, which can't pull them.
package imagecopy

import (
	"context"
	"fmt"
	"io"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"
)

// Engine is the part of Docker's client that copies images.
type Engine interface {
	ImageInspect(ctx context.Context, image string,
		opts ...client.ImageInspectOption) (image.InspectResponse, error)
	ImageSave(ctx context.Context, images []string, opts ...client.ImageSaveOption) (io.ReadCloser, error)
	ImageLoad(ctx context.Context, input io.Reader, opts ...client.ImageLoadOption) (image.LoadResponse, error)
}

// Copy copies images that the target does not have, or has another one of that name of. It returns the names
// of those that were copied.
func Copy(ctx context.Context, from, to Engine, names ...string) ([]string, error) {
	var missing []string
	for _, name := range names {
		own, err := from.ImageInspect(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("image %s: %w", name, err)
		}
		there, err := to.ImageInspect(ctx, name)
		if err != nil && !cerrdefs.IsNotFound(err) {
			return nil, err
		}
		if err != nil || there.ID != own.ID {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	saved, err := from.ImageSave(ctx, missing)
	if err != nil {
		return nil, err
	}
	defer saved.Close()
	response, err := to.ImageLoad(ctx, saved, client.ImageLoadWithQuiet(true))
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	// The engine loads while its answer is read.
	_, err = io.Copy(io.Discard, response.Body)
	return missing, err
}
