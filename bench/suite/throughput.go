package suite

import (
	"warren/bench/compare"
	"warren/bench/load"
	"warren/topology"

	"fmt"
	"slices"
)

// usual is the load that the comparisons of throughput vary: 1 KiB messages, straight to the leader's node.
var usual = load.Load{Client: load.Warren{}, Path: load.ToLeader, Queue: topology.QuorumQueue, Size: 1 << 10,
	Window:    256,
	Producers: 1}

// throughput compares how many messages are confirmed in a second, and how long a confirm takes.
func throughput() []compare.Comparison {
	return []compare.Comparison{
		{
			Name: "throughput/client",
			Shows: "One producer of persistent 1 KiB messages into a quorum queue, straight to the leader's node: " +
				"what the client costs.",
			Metrics: load.Metrics,
			Sides: append(
				sides(loading("Warren", usual), loading("amqp091-go", usual, bare)),
				compare.Side{Name: "tutorial's producer, confirming each", Measure: measureTutorialProducer},
			),
			Claims: []compare.Claim{
				{Row: "Warren", Metric: "confirmed", Against: "amqp091-go", AtLeast: 0.95},
				{Row: "Warren", Metric: "confirmed", Against: "tutorial's producer, confirming each", AtLeast: 5},
			},
		},
		{
			Name: "throughput/path",
			Shows: "The same by the way to the queue: straight to its leader's node, to another node, through the " +
				"load balancer.",
			Metrics: load.Metrics,
			Sides: append(
				withBare(
					loading("leader's node", usual, everyHome),
					loading("other node", usual, everyHome, func(l *load.Load) { l.Path = load.ToOther }),
					loading("load balancer", usual, everyHome, func(l *load.Load) { l.Path = load.ThroughBalancer }),
				),
				sides(loading("load balancer, seeking the leader", usual, everyHome,
					func(l *load.Load) { l.Path, l.Affinity = load.ThroughBalancer, true }))...,
			),
			Claims: []compare.Claim{
				{Row: "load balancer, seeking the leader", Metric: "confirmed", Against: "leader's node", AtLeast: 0.9},
				// What the load balancer itself costs. Where it lands is not its choice.
				{Row: atLeaderRow("load balancer"), Metric: "confirmed", Against: "leader's node", AtLeast: 0.9},
			},
		},
		{
			Name:    "throughput/size",
			Shows:   "The same by the size of a message.",
			Metrics: load.Metrics,
			Sides: withBare(
				loading("100 B", usual, func(l *load.Load) { l.Size = 100 }),
				loading("1 KiB", usual),
				loading("64 KiB", usual, func(l *load.Load) { l.Size = 64 << 10 }),
			),
		},
		{
			Name:    "throughput/window",
			Shows:   "The same by how many messages may be unconfirmed at once: what waiting for every confirm costs.",
			Metrics: load.Metrics,
			Sides:   withBare(windows(1, 16, 64, 256, 1024)...),
		},
		{
			Name:    "throughput/clients",
			Shows:   "The same by how many producers and consumers work on the queue.",
			Metrics: append(slices.Clone(load.Metrics), load.Delivered),
			Sides:   withBare(fans([2]int{1, 0}, [2]int{1, 1}, [2]int{4, 0}, [2]int{4, 4})...),
		},
		{
			Name:    "throughput/queue",
			Shows:   "The same by the type of the queue: what three replicas cost.",
			Metrics: load.Metrics,
			Sides: withBare(
				loading("quorum", usual),
				loading("classic", usual, func(l *load.Load) { l.Queue = topology.ClassicQueue }),
			),
		},
	}
}

// namedLoad is a load as it appears in a table.
type namedLoad struct {
	name string
	load load.Load
}

// loading is a load with what is different about it.
func loading(name string, l load.Load, changes ...func(*load.Load)) namedLoad {
	for _, change := range changes {
		change(&l)
	}
	return namedLoad{name, l}
}

// bare makes it the load of the bare client library.
func bare(l *load.Load) { l.Client = load.Bare{} }

// everyHome has it measured once for each node that may lead the queue.
func everyHome(l *load.Load) { l.EveryHome = true }

// sides are loads as sides of a comparison.
func sides(loads ...namedLoad) []compare.Side {
	var all []compare.Side
	for _, l := range loads {
		all = append(all, compare.Side{Name: l.name, Measure: l.measure})
	}
	return all
}

// withBare are loads as sides, each followed by the same with the bare client library.
func withBare(loads ...namedLoad) []compare.Side {
	var all []compare.Side
	for _, l := range loads {
		all = append(all, sides(l, loading(l.name+", amqp091-go", l.load, bare))...)
	}
	return all
}

// windows are the usual load with other windows.
func windows(sizes ...int) []namedLoad {
	var loads []namedLoad
	for _, size := range sizes {
		loads = append(loads, loading(fmt.Sprintf("window %d", size), usual, func(l *load.Load) {
			l.Window = size
		}))
	}
	return loads
}

// fans are the usual load with numbers of producers and consumers.
func fans(counts ...[2]int) []namedLoad {
	var loads []namedLoad
	for _, n := range counts {
		loads = append(loads, loading(fmt.Sprintf("%d producing, %d consuming", n[0], n[1]), usual,
			func(l *load.Load) { l.Producers, l.Consumers = n[0], n[1] }))
	}
	return loads
}
