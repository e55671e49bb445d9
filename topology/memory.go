package topology

import (
	"fmt"
	"strconv"
	"strings"
)

const (
	// defaultMemoryLimit lets the three nodes of the default cluster run on a machine of 4 GiB.
	defaultMemoryLimit = "1GiB"
	// noMemoryLimit is what an operator writes to have none.
	noMemoryLimit = "none"
	// With less, the default watermark is below minWatermarkBytes.
	minMemoryLimit = 320 << 20

	defaultMemoryHighWatermark = 0.6
	// No machine is so large that a hundredth of its memory would be a sensible watermark.
	minMemoryHighWatermark = 0.01
	// maxSafeWatermark is the highest share that RabbitMQ recommends (https://www.rabbitmq.com/docs/memory).
	maxSafeWatermark = 0.7
	// minWatermarkBytes is an idle node's memory, 118 to 143 MiB, and room for some messages. A node whose
	// watermark lies below what it takes when idle blocks publishers for ever.
	minWatermarkBytes = 192 << 20
	// maxMemoryShare is how much of one machine's memory all its nodes together may fill before they block
	// publishers.
	maxMemoryShare = 0.75
)

const (
	// defaultWALSize is RabbitMQ's own limit of the write-ahead log, 512 MiB.
	defaultWALSize = 512 << 20
	// walsInMemory is how many times the size of its write-ahead log a node should have below its watermark.
	// One log is written while another is moved to the queues' segments, and an idle node takes 130 MiB,
	// which is a fifth of the memory up to the watermark with a limit of 1 GiB.
	walsInMemory = 5
)

// WALSize is how large the write-ahead log may grow, in bytes, before its contents are moved to the queues'
// own files; 0 leaves RabbitMQ's default. Quorum queues and the metadata store write to this log, and nothing
// of it leaves memory before the file is full. A node with little memory could otherwise reach its high
// watermark while the log is half full, and stay there, because blocked publishers don't fill it (seen with 1
// GiB and messages of 64 KiB).
func (c *Cluster) WALSize() int64 {
	size := int64(float64(c.MemoryLimit) * c.MemoryHighWatermark / walsInMemory)
	if size >= defaultWALSize {
		return 0
	}
	return size
}

// validateMemory reads the memory limit and checks it together with the watermark.
func validateMemory(problems *problemList, limit string, c *Cluster) {
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
	case watermarkRead && watermark*float64(bytes) < minWatermarkBytes:
		problems.add("memoryHighWatermark",
			fmt.Sprintf("is %v, which is %d MiB of warren:memoryLimit: an idle node takes almost as much, "+
				"and would block publishers", watermark, int64(watermark*float64(bytes))>>20),
			fmt.Sprintf("raise one of them so that their product is at least %d MiB", minWatermarkBytes>>20))
	default:
		c.MemoryLimit = bytes
	}
}

// roundDown cuts a share to two decimals.
func roundDown(share float64) float64 { return float64(int(share*100)) / 100 }

// erlangFloat writes a number as Erlang reads a float: with digits on both sides of the point and no
// exponent. RabbitMQ refuses to start with 1 or 1e-05 in place of a float.
func erlangFloat(f float64) string {
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
