package topology

// Quorum queues and the metadata store write to one log, the write-ahead log (WAL), of which nothing leaves memory before the file is
// full.
const (
	// defaultWALSize is RabbitMQ's own, 512 MiB.
	defaultWALSize = 512 << 20
	// walsInMemory is how many times its size a node should be able to bear: one log is written to while another goes to the queues' segments,
	// and an idle node takes 130 MiB besides, a fifth of what one limited to 1 GiB may.
	walsInMemory = 5
)

// WALSize is how large the write-ahead log may grow, in bytes, before its contents are moved to the queues' own files; 0 leaves RabbitMQ's
// default. A node whose memory is limited could otherwise reach its high watermark with the log half full, and since blocked publishers
// fill no log, stay there (seen: 1 GiB, messages of 64 KiB).
func (c *Cluster) WALSize() int64 {
	size := int64(float64(c.MemoryLimit) * c.MemoryHighWatermark / walsInMemory)
	if size >= defaultWALSize {
		return 0
	}
	return size
}
