package fault

import (
	"time"

	"warren/verify/checker"
	"warren/verify/fault/disk/order"
	"warren/verify/fault/effect"
	"warren/verify/fault/storage"
)

// Storage returns the faults of disks. The nodes have to be put on other disks for them: all are killed for
// that, and once more when they are taken off.
func Storage() []Fault {
	faults := storageFaults()
	for i := range faults {
		faults[i].LyingDisks = true
		faults[i].Available = onLyingDisk(3)
	}
	return faults
}

func storageFaults() []Fault {
	return []Fault{
		{
			Name:        "leader-power-lost",
			Description: "The leader's machine loses its power: what the leader had not synced is gone.",
			Expect:      expectWithin(15*time.Second, 20*time.Second), // some calls lie between the cut and the kill
			Inject:      diskFault{effect.Leader, "cut the power of %s", storage.LosePower}.inject,
		},
		{
			Name:        "majority-power-lost",
			Description: "The machines of a majority lose their power at once: what they had not synced is gone.",
			Expect:      expectNoConfirms,
			Inject:      diskFault{effect.Majority, "cut the power of %s", storage.LosePower}.inject,
		},
		{
			Name:        "all-power-lost",
			Description: "All machines lose their power at once: what was not synced is gone.",
			Expect:      expectNoConfirms,
			Inject:      diskFault{effect.Everyone, "cut the power of %s", storage.LosePower}.inject,
		},
		{
			Name: "write-torn",
			Description: "The leader's machine loses its power in the middle of a write: half of it is in " +
				"the journal.",
			Expect: expectWithin(15*time.Second, 20*time.Second),
			Inject: diskFault{effect.Leader, "tore a write of %s", storage.TearWrite}.inject,
		},
		{
			Name:        "all-writes-torn",
			Description: "All machines lose their power, each in the middle of a write to its journal.",
			Expect:      expectNoConfirms,
			Inject:      diskFault{effect.Everyone, "tore a write of each of %s", storage.TearWrite}.inject,
		},
		{
			Name:        "journal-bit-flipped",
			Description: "A follower is killed, a bit in its journal flips, and it starts again.",
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Inject: diskFault{effect.Follower, "flipped a bit in the journal of %s",
				storage.FlipBit(storage.JournalFiles)}.inject,
		},
		{
			Name:        "segment-bit-flipped",
			Description: "A follower is killed, a bit in a segment of a queue flips, and it starts again.",
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Inject:      diskFault{effect.Follower, "flipped a bit in a segment of %s", storage.FlipSegment}.inject,
		},
		{
			Name:        "metadata-bit-flipped",
			Description: "A follower is killed, a bit in its metadata store flips, and it starts again.",
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Inject: diskFault{effect.Follower, "flipped a bit in the metadata store of %s",
				storage.FlipBit(storage.MetadataFiles)}.inject,
		},
		{
			Name:        "sync-a-little-slow",
			Description: "Each sync on the leader's disk takes 10 ms longer.",
			Hold:        10 * time.Second,
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Inject: diskFault{effect.Leader, "slowed the syncs of %s by 10 ms",
				storage.Impair(order.Order{Do: order.Slow, Op: "fsync", Delay: 10 * time.Millisecond})}.inject,
		},
		{
			Name:        "sync-slow",
			Description: "Each sync on the leader's disk takes 200 ms longer.",
			Hold:        10 * time.Second,
			Expect:      expectWithin(5*time.Second, 10*time.Second),
			Inject: diskFault{effect.Leader, "slowed the syncs of %s by 200 ms",
				storage.Impair(order.Order{Do: order.Slow, Op: "fsync", Delay: 200 * time.Millisecond})}.inject,
		},
		{
			Name:        "sync-very-slow",
			Description: "Each sync on the leader's disk takes 2 s longer.",
			Hold:        12 * time.Second,
			Expect:      expectWithin(10*time.Second, 15*time.Second),
			Inject: diskFault{effect.Leader, "slowed the syncs of %s by 2 s",
				storage.Impair(order.Order{Do: order.Slow, Op: "fsync", Delay: 2 * time.Second})}.inject,
		},
		{
			Name:        "sync-hangs",
			Description: "Syncs on the leader's disk hang.",
			Hold:        15 * time.Second,
			Inject: diskFault{effect.Leader, "let the syncs of %s hang",
				storage.Impair(order.Order{Do: order.Hang, Op: "fsync"})}.inject,
		},
		{
			Name:        "write-fails",
			Description: "Every write to the leader's disk fails (EIO).",
			Hold:        10 * time.Second,
			Inject: diskFault{effect.Leader, "let the writes of %s fail",
				storage.Impair(order.Order{Do: order.Fail, Op: "write"})}.inject,
		},
		{
			Name:        "sync-fails",
			Description: "Every sync of the leader's disk fails (EIO).",
			Hold:        10 * time.Second,
			Inject: diskFault{effect.Leader, "let the syncs of %s fail",
				storage.Impair(order.Order{Do: order.Fail, Op: "fsync"})}.inject,
		},
		{
			Name:        "read-fails",
			Description: "Every read from the leader's disk fails (EIO).",
			Hold:        10 * time.Second,
			Inject: diskFault{effect.Leader, "let the reads of %s fail",
				storage.Impair(order.Order{Do: order.Fail, Op: "read"})}.inject,
		},
		{
			Name:        "disk-full",
			Description: "The leader's disk is full, and has space again.",
			Hold:        15 * time.Second,
			Expect:      checker.Expectation{},
			Inject: diskFault{effect.Leader, "filled the disk of %s",
				storage.Impair(order.Order{Do: order.Full})}.inject,
		},
	}
}
