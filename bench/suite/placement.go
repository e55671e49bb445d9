package suite

import (
	"warren/bench/compare"
	"warren/bench/lab"

	"context"
)

// A load balancer knows no leaders: of three connections through it to a cluster of three, one lands on the
// node that leads the queue, and what the others carry takes another hop. To tell the cost of the load
// balancer from that of the hop, loads by path are measured once for every node that may lead the queue, and
// those that landed on the leader's through the load balancer have a row of their own. Producers that seek
// the leader should all end there.

// landed is the row of the loads through the load balancer that landed on the leader's node.
func atLeaderRow(row string) string { return row + ", landed on the leader's node" }

// measure measures a load for its row of a table.
func (l namedLoad) measure(ctx context.Context, place *lab.Lab) ([]compare.Sample, error) {
	homes := 1
	if l.load.EveryHome {
		homes = len(place.Warren.Nodes())
	}
	var samples []compare.Sample
	for home := range homes {
		l.load.Home = home
		values, atLeader, err := l.load.Measure(ctx, place)
		if err != nil {
			return nil, err
		}
		samples = append(samples, compare.Sample{Row: l.name, Values: values})
		if atLeader && !l.load.Affinity {
			samples = append(samples, compare.Sample{Row: atLeaderRow(l.name), Values: values})
		}
	}
	return samples, nil
}
