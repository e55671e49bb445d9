package clients

import (
	"context"
	"time"
)

// Locator tells the name of the node that a producer should be connected to, such as "rabbit@rabbit1"; empty
// if there is none just now. One that does not return when ctx ends is not waited for.
type Locator func(ctx context.Context) (node string, err error)

// affinityInterval is how often a producer asks where it should be.
const affinityInterval = 30 * time.Second
