//go:build linux

package disk

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"syscall"
	"time"

	"warren/verify/fault/disk/order"
)

// The operations that rules are for.
const (
	opRead  = "read"
	opWrite = "write"
	opSync  = "fsync"
	// opNames suffers from the lack of power only.
	opNames = "names"
)

// impairment is what is wrong with the disk.
type impairment struct {
	power bool
	rules []rule
	// tear selects the file whose next write is torn; nil none.
	tear *regexp.Regexp
	// strict makes names durable only with their directory, whatever the disk's promise.
	strict bool
	// free is the space that is left; nil is no limit.
	free *int64
	// again is closed when something of this has changed: those who wait look again.
	again chan struct{}
}

// rule impairs operations on files. Without a delay they hang, or fail.
type rule struct {
	op    string
	files *regexp.Regexp
	delay time.Duration
	fail  bool
}

// flip is a bit that was flipped.
type flip struct {
	order.Flipped
	n *Inode
}

func (f *flip) in(n *Inode, offset int64, length int) bool {
	return f.n == n && !f.Overwritten && offset <= f.Offset && f.Offset < offset+int64(length)
}

// impede lets an operation suffer what is wrong with the disk. The lock must be held; it is given up while
// waiting. Cancel ends the wait.
func (d *Disk) impede(op string, n *Inode, cancel <-chan struct{}) error {
	hit, waited := false, map[rule]bool{}
	for {
		r, found := d.obstacle(op, n, waited)
		if !found {
			return nil
		}
		if !hit {
			hit = true
			d.report.Hit++
		}
		if r.fail {
			return syscall.EIO
		}
		var timer <-chan time.Time // never, without a delay
		if r.delay > 0 {
			timer = time.After(r.delay)
			waited[r] = true
		}
		again := d.impaired.again
		d.mu.Unlock()
		var err error
		select {
		case <-timer:
		case <-again:
		case <-cancel:
			err = syscall.EINTR
		}
		d.mu.Lock()
		if err != nil {
			return err
		}
	}
}

// obstacle is what an operation has to suffer next.
func (d *Disk) obstacle(op string, n *Inode, waited map[rule]bool) (rule, bool) {
	if !d.impaired.power {
		return rule{}, true
	}
	if op == opNames {
		return rule{}, false
	}
	for _, r := range d.impaired.rules {
		if (r.op == "" || r.op == op) && !waited[r] && r.files.MatchString(d.shown(n)) {
			return r, true
		}
	}
	return rule{}, false
}

// Powered waits until the power is on. What changes names or sizes calls it first.
func (d *Disk) Powered(cancel <-chan struct{}) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.impede(opNames, nil, cancel)
}

// tears tells whether the next write to a file is to be torn.
func (d *Disk) tears(n *Inode) bool {
	return d.impaired.tear != nil && d.impaired.tear.MatchString(d.shown(n))
}

// spend takes space for growth.
func (d *Disk) spend(growth int64) error {
	if d.impaired.free == nil || growth <= 0 {
		return nil
	}
	if growth > *d.impaired.free {
		d.report.Hit++
		return syscall.ENOSPC
	}
	*d.impaired.free -= growth
	return nil
}

// gain gives space back.
func (d *Disk) gain(size int64) {
	if d.impaired.free != nil && size > 0 {
		*d.impaired.free += size
	}
}

// Free is the space left on a disk that is nearly full.
func (d *Disk) Free() (bytes int64, limited bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.impaired.free == nil {
		return 0, false
	}
	return *d.impaired.free, true
}

// Obey carries out an order and reports how the disk is then.
func (d *Disk) Obey(o order.Order) order.Report {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.obey(o)
	r := d.report
	r.Power = d.impaired.power
	for n := range d.dirty {
		r.Unsynced = append(r.Unsynced, d.shown(n))
	}
	for n := range d.changed {
		r.Unsynced = append(r.Unsynced, d.shown(n)+"/")
	}
	slices.Sort(r.Unsynced)
	r.Flips = nil
	for _, f := range d.flips {
		r.Flips = append(r.Flips, f.Flipped)
	}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

func (d *Disk) obey(o order.Order) error {
	files, err := regexp.Compile("^(?:" + cmp.Or(o.Files, ".*") + ")$")
	if err != nil {
		return err
	}
	switch o.Do {
	case order.Status:
		return nil
	case order.Cut:
		d.impaired.power = false
	case order.Tear:
		d.impaired.tear = files
	case order.Lose:
		loss, err := d.lose()
		if err != nil {
			return err
		}
		d.report.Lost = &loss
		d.restoreOrder()
	case order.Flip:
		return d.flip(files, o.Seed)
	case order.Slow:
		d.impaired.rules = append(d.impaired.rules, rule{op: o.Op, files: files, delay: o.Delay})
	case order.Hang:
		d.impaired.rules = append(d.impaired.rules, rule{op: o.Op, files: files})
	case order.Fail:
		d.impaired.rules = append(d.impaired.rules, rule{op: o.Op, files: files, fail: true})
	case order.Full:
		d.impaired.free = &o.Free
	case order.Strict:
		d.impaired.strict = true
	case order.Clear:
		d.restoreOrder()
		d.wake()
		return d.flipBack()
	default:
		return fmt.Errorf("there is no order %q", o.Do)
	}
	d.wake()
	return nil
}

// restoreOrder ends all that is wrong.
func (d *Disk) restoreOrder() {
	d.impaired = impairment{power: true, again: d.impaired.again}
	d.report.Hit, d.report.Torn = 0, ""
}

// wake lets those who wait look again.
func (d *Disk) wake() {
	close(d.impaired.again)
	d.impaired.again = make(chan struct{})
}

// flipTries is how many places are looked at for one that is not all zeros.
const flipTries = 1000

// flip flips a bit of one of the files, in a place that somebody has written to.
func (d *Disk) flip(files *regexp.Regexp, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 0))
	seen := map[*Inode]bool{}
	d.collect(d.root, files, seen)
	candidates := slices.SortedFunc(maps.Keys(seen), func(a, b *Inode) int { return cmp.Compare(a.ID, b.ID) })
	if len(candidates) == 0 {
		return fmt.Errorf("no file with anything in it matches %s", files)
	}
	for range flipTries {
		n := candidates[random.IntN(len(candidates))]
		offset := random.Int64N(d.length(n))
		done, err := d.flipAt(n, offset, byte(1)<<random.IntN(8))
		if done || err != nil {
			return err
		}
	}
	return fmt.Errorf("the files that match %s are all zeros", files)
}

// flipAt flips a bit, unless all around it is zero.
func (d *Disk) flipAt(n *Inode, offset int64, bit byte) (done bool, err error) {
	file, err := os.OpenFile(d.path(n), os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	const around = 16
	neighbours := make([]byte, 2*around)
	got, _ := file.ReadAt(neighbours, max(0, offset-around))
	if !slices.ContainsFunc(neighbours[:got], func(b byte) bool { return b != 0 }) {
		return false, nil
	}
	var former [1]byte
	if _, err := file.ReadAt(former[:], offset); err != nil {
		return false, err
	}
	f := order.Flipped{File: d.shown(n), Offset: offset, Before: former[0], After: former[0] ^ bit}
	if _, err := file.WriteAt([]byte{f.After}, offset); err != nil {
		return false, err
	}
	d.flips = append(d.flips, &flip{f, n})
	return true, nil
}

// flipBack gives files back the bits that were flipped, where nobody has written since.
func (d *Disk) flipBack() error {
	var failures []error
	for _, f := range d.flips {
		if f.Overwritten || f.n.gone {
			continue
		}
		file, err := os.OpenFile(d.path(f.n), os.O_WRONLY, 0)
		if err == nil {
			_, err = file.WriteAt([]byte{f.Before}, f.Offset)
			err = errors.Join(err, file.Close())
		}
		failures = append(failures, err)
	}
	d.flips = nil
	return errors.Join(failures...)
}

// collect finds the files below a directory that match and are not empty.
func (d *Disk) collect(dir *Inode, files *regexp.Regexp, found map[*Inode]bool) {
	for _, n := range dir.dir.entries {
		switch {
		case n.dir != nil:
			d.collect(n, files, found)
		case n.file != nil && files.MatchString(d.shown(n)) && d.length(n) > 0:
			found[n] = true
		}
	}
}
