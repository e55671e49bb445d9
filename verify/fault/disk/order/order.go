// Package order is what a lying disk can be told over its control socket, and what it answers. Both are one
// line of JSON.
package order

import "time"

// Order tells a disk what to do. Do is one of the constants; the other fields are its arguments.
type Order struct {
	Do string `json:"do"`
	// Files is a regular expression. It selects files by their paths below the root of the disk, such as
	// "mnesia/rabbit@rabbit1/quorum/.*/0000000000000001.wal". Empty selects all.
	Files string `json:"files,omitempty"`
	// Op is the operation that a rule is for: "write", "read", "fsync", or empty for all three.
	Op string `json:"op,omitempty"`
	// Delay is how long operations under a rule of Slow take longer.
	Delay time.Duration `json:"delay,omitempty"`
	// Free is the space that is left under Full, in bytes.
	Free int64 `json:"free,omitempty"`
	// Seed chooses the file and the bit under Flip.
	Seed uint64 `json:"seed,omitempty"`
}

// What a disk can be told to do.
const (
	// Status changes nothing.
	Status = "status"
	// Cut cuts the power: operations hang until Lose.
	Cut = "cut"
	// Tear cuts the power in the middle of the next write to one of Files: its first half is written. That
	// half, and what was written to the file before, survives Lose.
	Tear = "tear"
	// Lose loses all that was not synced, and gives the power back. It is refused while files are open.
	Lose = "lose"
	// Flip flips a bit in one of Files, in a place that is not all zeros.
	Flip = "flip"
	// Slow delays an Op on Files by Delay.
	Slow = "slow"
	// Hang lets an Op on Files hang.
	Hang = "hang"
	// Fail lets an Op on Files fail with EIO.
	Fail = "fail"
	// Full leaves Free bytes of space.
	Full = "full"
	// Strict makes names durable only with a sync of their directory, until Lose or Clear.
	Strict = "strict"
	// Clear ends Slow, Hang, Fail and Full, and flips back what Flip has flipped unless it was overwritten. It
	// gives the power back as well, without a loss.
	Clear = "clear"
)

// Report is a disk's answer: what it is like after the order.
type Report struct {
	// Error says why the order was not carried out.
	Error string `json:"error,omitempty"`
	// Power is false after a cut.
	Power bool `json:"power"`
	// OpenFiles counts open files.
	OpenFiles int `json:"openFiles"`
	// Reads, Writes and Syncs count what was asked for since the disk was mounted; DirSyncs are those of
	// directories.
	Reads    int64 `json:"reads"`
	Writes   int64 `json:"writes"`
	Syncs    int64 `json:"syncs"`
	DirSyncs int64 `json:"dirSyncs"`
	// Hit counts operations that a rule, a cut or the lack of space has impaired, since the last Clear or Lose.
	Hit int64 `json:"hit"`
	// Torn is the file that a write was torn in.
	Torn string `json:"torn,omitempty"`
	// Unsynced are the files and directories with something to lose.
	Unsynced []string `json:"unsynced,omitempty"`
	// Lost is the last loss.
	Lost *Loss `json:"lost,omitempty"`
	// Flips are the bits flipped since the disk was mounted.
	Flips []Flipped `json:"flips,omitempty"`
}

// Loss is what a power failure cost.
type Loss struct {
	// Files are those whose contents went back to what was synced, Bytes how much had been written to them
	// since.
	Files []string `json:"files,omitempty"`
	Bytes int64    `json:"bytes"`
	// Names are the directory entries that went back.
	Names []string `json:"names,omitempty"`
	// Torn is the file that kept half of its last write.
	Torn string `json:"torn,omitempty"`
}

// Flipped is a bit that was flipped.
type Flipped struct {
	File   string `json:"file"`
	Offset int64  `json:"offset"`
	Before byte   `json:"before"`
	After  byte   `json:"after"`
	// Read counts how often the byte was read since, and Overwritten that it was written again.
	Read        int  `json:"read"`
	Overwritten bool `json:"overwritten,omitempty"`
}
