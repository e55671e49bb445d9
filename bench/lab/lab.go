// Package lab brings up the clusters that are compared: the stack under test, a copy of it with stock
// settings, and the tutorial's cluster.
package lab

import (
	"context"
	"errors"
	"fmt"
	"time"

	"warren/operate/cluster"
	"warren/topology"
)

// Settings are what a user may choose.
type Settings struct {
	// LoadTime is how long a load is measured, AlarmTime how long clusters are watched for false alarms.
	LoadTime, AlarmTime time.Duration
	// Cut is how long a leader is cut off from its peers.
	Cut time.Duration
	// Warn is told of what went wrong while cleaning up. It may be nil.
	Warn func(error)
}

// Lab is where measurements are made: the stack under test, and the clusters it is compared with, which come
// up when they are first asked for and stay until Close.
type Lab struct {
	Settings
	// Warren is the running stack.
	Warren *cluster.Cluster

	stock, tutorial temporary
}

// rented is a cluster of the lab's own.
type temporary struct {
	cluster    *cluster.Cluster
	deployment deployment
}

// NewLab makes a lab around a running stack.
func NewLab(warren *cluster.Cluster, s Settings) *Lab { return &Lab{Settings: s, Warren: warren} }

// UnderTest is the running stack.
func (l *Lab) UnderTest(context.Context) (*cluster.Cluster, error) { return l.Warren, nil }

// Stock is a copy of the stack under test that detects failures as Erlang, RabbitMQ and HAProxy do when left
// alone.
func (l *Lab) Stock(ctx context.Context) (*cluster.Cluster, error) {
	if l.stock.cluster != nil {
		return l.stock.cluster, nil
	}
	c, err := NewCopy(ctx, l.Warren, "bench-stock", stockPorts, topology.DetectStock)
	if err != nil {
		return nil, err
	}
	if err := c.Gather(ctx); err != nil {
		return nil, err
	}
	l.stock.deployment = c.deployment
	l.stock.cluster, err = c.Up(ctx)
	if err != nil {
		return nil, fmt.Errorf("bring up a copy of stack %s with stock settings: %w", l.Warren.Stack(), err)
	}
	return l.stock.cluster, WaitServing(ctx, l.stock.cluster)
}

// Tutorial is the tutorial's cluster.
func (l *Lab) Tutorial(ctx context.Context) (*cluster.Cluster, error) {
	if l.tutorial.cluster != nil {
		return l.tutorial.cluster, nil
	}
	if err := l.HaveTutorialImage(ctx); err != nil {
		return nil, err
	}
	t, err := NewTutorialCluster(l.Warren, "bench-tutorial", tutorialPorts)
	if err != nil {
		return nil, err
	}
	l.tutorial.deployment = t.deployment
	l.tutorial.cluster, err = t.Up(ctx)
	return l.tutorial.cluster, err
}

// HaveTutorialImage tells whether the image for the tutorial's cluster is there.
func (l *Lab) HaveTutorialImage(ctx context.Context) error {
	if _, err := l.Warren.Docker().ImageInspect(ctx, tutorialImage); err != nil {
		return &MissingError{What: "image " + tutorialImage,
			Hint: "make it with `images/build rabbitmq:" + tutorialSeries + "`"}
	}
	return nil
}

// Close takes down the clusters that the lab has brought up, also when ctx has ended.
func (l *Lab) Close(ctx context.Context) {
	for _, r := range []temporary{l.stock, l.tutorial} {
		if r.deployment.docker == nil {
			continue
		}
		l.CleanUp(ctx, func(ctx context.Context) error {
			err := r.deployment.Remove(ctx)
			if r.cluster != nil {
				err = errors.Join(err, r.cluster.Close())
			}
			return err
		})
	}
}

// cleanUpTimeout bounds taking one thing away.
const cleanUpTimeout = time.Minute

// CleanUp takes something away, also when ctx has ended.
func (l *Lab) CleanUp(ctx context.Context, remove func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	if err := remove(ctx); err != nil && l.Warn != nil {
		l.Warn(err)
	}
}
