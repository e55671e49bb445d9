package stackconfig

import (
	"fmt"

	"warren/topology"
)

const (
	// defaultMemoryLimit lets the three nodes of the default cluster run on a machine of 4 GiB.
	defaultMemoryLimit = "1GiB"
	// noMemoryLimit is what an operator writes to have none.
	noMemoryLimit = "none"
	// With less, the default watermark is below MinWatermarkBytes.
	minMemoryLimit = 320 << 20

	defaultMemoryHighWatermark = 0.6
	// No machine is so large that a hundredth of its memory would be a sensible watermark.
	minMemoryHighWatermark = 0.01
	// maxSafeWatermark is the highest share that RabbitMQ recommends (https://www.rabbitmq.com/docs/memory).
	maxSafeWatermark = 0.7
	// MinWatermarkBytes is an idle node's memory, 118 to 143 MiB, and room for some messages. A node whose
	// watermark lies below what it takes when idle blocks publishers forever.
	MinWatermarkBytes = 192 << 20
	// maxMemoryShare is how much of one machine's memory all its nodes together may fill before they block
	// publishers.
	maxMemoryShare = 0.75
)

// validateMemory reads the memory limit and checks it together with the watermark.
func validateMemory(problems *problemList, limit string, c *topology.Cluster) {
	watermark := c.MemoryHighWatermark
	watermarkRead := watermark >= minMemoryHighWatermark && watermark <= 1 // false for NaN
	if !watermarkRead {
		wrong := fmt.Sprintf("is %v", watermark)
		if watermark > 0 && watermark < minMemoryHighWatermark {
			wrong += ", at which publishers would always be blocked"
		}
		problems.add("memoryHighWatermark", wrong,
			fmt.Sprintf("write a share of memory from %v to 1, such as %v",
				minMemoryHighWatermark, defaultMemoryHighWatermark))
	}
	if limit == noMemoryLimit {
		if nodes := len(c.Nodes); watermarkRead && watermark*float64(nodes) > maxMemoryShare {
			problems.add("memoryHighWatermark",
				fmt.Sprintf("is %v, and without a memory limit %d nodes may take %.0f %% of their machine",
					watermark, nodes, 100*watermark*float64(nodes)),
				fmt.Sprintf("write %.2f or less, or set warren:memoryLimit",
					roundDown(maxMemoryShare/float64(nodes))))
		}
		return
	}
	bytes, err := parseSize(limit)
	switch {
	case err != nil:
		problems.add("memoryLimit", "is "+quoted(limit), sizeRemedy+", or "+noMemoryLimit)
	case bytes < minMemoryLimit:
		problems.add("memoryLimit", "is "+quoted(limit)+", too little for a node", "use at least 320MiB")
	case watermarkRead && watermark*float64(bytes) < MinWatermarkBytes:
		problems.add("memoryHighWatermark",
			fmt.Sprintf("is %v, which is %d MiB of warren:memoryLimit: an idle node takes almost as much, "+
				"and would block publishers", watermark, int64(watermark*float64(bytes))>>20),
			fmt.Sprintf("raise one of them so that their product is at least %d MiB", MinWatermarkBytes>>20))
	default:
		c.MemoryLimit = bytes
	}
}

// roundDown cuts a share to two decimals.
func roundDown(share float64) float64 { return float64(int(share*100)) / 100 }
