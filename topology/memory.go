package topology

const (
	// DefaultWALSize is RabbitMQ's own limit of the write-ahead log, 512 MiB.
	DefaultWALSize = 512 << 20
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
	if size >= DefaultWALSize {
		return 0
	}
	return size
}
