// Package parallel does the same thing to many at once.
package parallel

import "golang.org/x/sync/errgroup"

// Each calls do with every element at the same time. It waits for all of them and returns the first error.
func Each[T any](elements []T, do func(T) error) error {
	var group errgroup.Group
	for _, element := range elements {
		group.Go(func() error { return do(element) })
	}
	return group.Wait()
}
