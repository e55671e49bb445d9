package traffic

import (
	"context"
	"errors"
	"time"

	"warren/internal/wait"
	"warren/verify/history"
)

// Around says how traffic flows around something that is done to a cluster.
type Around struct {
	Config
	// Name is the history's.
	Name string
	// Before and After are for how long traffic flows undisturbed, so that a gap at either end shows.
	Before, After time.Duration
	// Patience bounds the start of the clients and the stop of the producers.
	Patience time.Duration
	// Drain is how long no message may arrive while messages are missing.
	Drain time.Duration
}

// Do keeps messages flowing while something is done. It returns their history, and how many confirmed
// messages did not arrive. The error joins what do returned and that with which clients ended.
func (a Around) Do(ctx context.Context, do func() error) (h history.History, missing int, err error) {
	recorder := history.NewRecorder(a.Name, Names(a.Paths)...)
	flow, err := Start(a.Config, recorder)
	if err != nil {
		return h, 0, err
	}
	defer func() { err = errors.Join(err, flow.Close(context.WithoutCancel(ctx))) }()
	if err := wait.AtMost(ctx, a.Patience, flow.Ready); err != nil {
		return h, 0, err
	}
	recorder.TrafficStarts()
	if err := wait.Sleep(ctx, a.Before); err != nil {
		return h, 0, err
	}
	if err := do(); err != nil {
		return h, 0, err
	}
	if err := wait.Sleep(ctx, a.After); err != nil {
		return h, 0, err
	}
	recorder.TrafficStops()
	if err := wait.AtMost(ctx, a.Patience, flow.StopProducers); err != nil {
		return h, 0, err
	}
	if missing, err = flow.Drain(ctx, a.Drain); err != nil {
		return h, missing, err
	}
	recorder.Drained()
	return recorder.History(), missing, nil
}
