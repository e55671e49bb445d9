package stackconfig

import (
	"fmt"
	"strings"

	"warren/topology"
)

// Warnings lists what is allowed in this cluster but probably not intended.
func Warnings(c *topology.Cluster) []string {
	var warnings []string
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	if n := len(c.Nodes); n%2 == 0 {
		warn("warren:nodes gives %d nodes: as many failures as %d nodes survive, %d, and half of the nodes "+
			"cut off from the other half stop both; use an odd number", n, n-1, (n-1)/2)
	}
	if c.Series.Compare(topology.NewestSeries) > 0 {
		warn("RabbitMQ %s is newer than %s, the newest series Warren was tested with", c.Series,
			topology.NewestSeries)
	}
	if c.PartitionHandling != "" && !c.Series.HasPartitionHandling() {
		warn("warren:partitionHandling has no effect in RabbitMQ %s, where the metadata store is Raft's; "+
			"leave it out", c.Series)
	}
	if ram := c.NodesOfType(topology.RAM); len(ram) > 0 {
		warn("%s is a RAM node: RabbitMQ deprecates these, and they are gone in 4.2 and later",
			strings.Join(ram, ", "))
	}
	if w := c.MemoryHighWatermark; w > maxSafeWatermark {
		warn("warren:memoryHighWatermark is %v: above %v a node may be killed for its memory before it "+
			"blocks publishers", w, maxSafeWatermark)
	}
	if c.HeartbeatSeconds < lowestSafeHeartbeat {
		warn("warren:heartbeatSeconds is %d: values below %d close healthy connections",
			c.HeartbeatSeconds, lowestSafeHeartbeat)
	}
	return append(warnings, hostWarnings(c)...)
}
