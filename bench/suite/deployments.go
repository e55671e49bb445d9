package suite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"warren/bench/compare"
	"warren/bench/lab"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
	"warren/verify/checker"
	"warren/verify/traffic"
)

// The rows of the deployments.
const (
	rowNothingToDo = "pulumi up, nothing to do"
	rowOneRestart  = "docker restart of one node"
	rowRoll        = "pulumi up, a roll of three nodes"
)

const (
	// rollOverhead is what a roll may take in addition to the restarts of its nodes, in seconds: Pulumi and its
	// program start, and look at what is there.
	rollOverhead = 10
	// rollRestarts is how many restarts of one node a roll of three may take.
	rollRestarts = 2.5
	// deploymentRate is how many messages a second each producer publishes meanwhile.
	deploymentRate = 25
)

// deployments measures what a deployment of a running cluster takes, under traffic. A restart of one node
// ends when all of its replicas are online again, as a node's turn in a roll does.
func deployments() []compare.Comparison {
	return []compare.Comparison{{
		Name: "deployments",
		Shows: "Deployments of a running cluster under traffic: one that has nothing to do, and one that changes " +
			"a setting of all nodes. Compared with the restart of one node until its replicas are back.",
		Metrics: []compare.Metric{
			{Name: "time", Unit: compare.Seconds}, {Name: "longest gap in confirms", Unit: compare.Seconds},
		},
		Sides: []compare.Side{{Name: "Warren", Measure: measureDeployments}},
		Claims: []compare.Claim{
			{Row: rowRoll, Metric: "time", Against: rowOneRestart, AtMost: rollRestarts, Plus: rollOverhead},
		},
	}}
}

func measureDeployments(ctx context.Context, place *lab.Lab) ([]compare.Sample, error) {
	s, err := emptyStack(ctx, place)
	if err != nil {
		return nil, err
	}
	defer place.CleanUp(ctx, s.down)
	if _, err := s.up(ctx); err != nil {
		return nil, err
	}
	k, err := s.open(ctx)
	if err != nil {
		return nil, err
	}
	defer k.Close()
	var samples []compare.Sample
	for _, d := range []struct {
		row string
		do  func() error
	}{
		{rowNothingToDo, func() error { _, err := s.up(ctx); return err }},
		{rowOneRestart, func() error {
			return errors.Join(k.Restart(ctx, k.Nodes()[0].Container, time.Minute), health.WaitHealthy(ctx, k))
		}},
		{rowRoll, func() error { _, err := s.up(ctx, "warren:heartbeatSeconds=30"); return err }},
	} {
		sample, err := underTraffic(ctx, k, d.do)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.row, err)
		}
		sample.Row = d.row
		samples = append(samples, sample)
	}
	return samples, nil
}

// underTraffic measures how long something takes that is done to a healthy cluster, and the longest gap in
// confirms on all paths meanwhile.
func underTraffic(ctx context.Context, k *cluster.Cluster, do func() error) (compare.Sample, error) {
	if err := health.WaitHealthy(ctx, k); err != nil {
		return compare.Sample{}, err
	}
	queue := traffic.Queue{Name: queuePrefix + "deployment", Type: topology.QuorumQueue,
		Replicas: len(k.Nodes())}
	if err := queue.Declare(ctx, k); err != nil {
		return compare.Sample{}, err
	}
	var took time.Duration
	h, _, err := traffic.Around{
		Config: traffic.Config{
			Queue: queue.Name, Paths: traffic.Paths(k.Outputs()), Rate: deploymentRate, Size: 256,
		},
		Name: "deployment", Patience: lab.BootTimeout, Drain: drainPatience,
	}.Do(ctx, func() error {
		began := time.Now()
		err := do()
		took = time.Since(began)
		return err
	})
	err = errors.Join(err, queue.Delete(ctx, k))
	gap := checker.Check(h, nil).Overall.Confirms.Longest.Length()
	return compare.Sample{Values: map[string]float64{"time": took.Seconds(),
		"longest gap in confirms": gap.Seconds()}}, err
}
