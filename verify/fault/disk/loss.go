//go:build linux

package disk

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"warren/verify/fault/disk/order"
)

// Lose is the power failure: all that was not synced is gone. It is refused while files are open, since a
// process that lives on would notice.
func (d *Disk) Lose() (order.Loss, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.lose()
}

func (d *Disk) lose() (order.Loss, error) {
	var loss order.Loss
	if d.report.OpenFiles > 0 {
		return loss, fmt.Errorf("%d files are open: stop what uses the disk first", d.report.OpenFiles)
	}
	if err := d.loseContents(&loss); err != nil {
		return loss, fmt.Errorf("lose contents: %w", err)
	}
	if err := d.loseNames(&loss); err != nil {
		return loss, fmt.Errorf("lose directory entries: %w", err)
	}
	slices.Sort(loss.Files)
	slices.Sort(loss.Names)
	return loss, nil
}

// loseContents gives files back what was synced of them.
func (d *Disk) loseContents(loss *order.Loss) error {
	for n := range maps.Clone(d.dirty) {
		if n.file.torn {
			loss.Torn = d.shown(n)
			delete(d.dirty, n)
			*n.file = contents{}
			continue
		}
		loss.Files = append(loss.Files, d.shown(n))
		loss.Bytes += n.file.written
		if err := d.revert(n); err != nil {
			return err
		}
	}
	return nil
}

// loseNames gives directories back the entries that were synced: first all that are not so are removed, then
// all that are missing are made.
func (d *Disk) loseNames(loss *order.Loss) error {
	changed := slices.Collect(maps.Keys(d.changed))
	for _, dir := range changed {
		if dir.gone {
			continue
		}
		for entry, n := range maps.Clone(dir.dir.entries) {
			if dir.gone || dir.dir.durable[entry] == n {
				continue // what is removed may have been all that needed the directory
			}
			loss.Names = append(loss.Names, filepath.Join(d.shown(dir), entry))
			if err := d.removeAll(dir, entry); err != nil {
				return err
			}
		}
	}
	for _, dir := range changed {
		if dir.gone {
			continue
		}
		for entry, n := range dir.dir.durable {
			if dir.dir.entries[entry] == n {
				continue
			}
			loss.Names = append(loss.Names, filepath.Join(d.shown(dir), entry))
			if err := d.restore(dir, entry, n); err != nil {
				return err
			}
		}
		clear(dir.dir.tied)
	}
	clear(d.changed)
	return nil
}

// restore makes an entry that is durable.
func (d *Disk) restore(dir *Inode, entry string, n *Inode) error {
	path := filepath.Join(d.path(dir), entry)
	var err error
	if len(n.names) == 0 {
		err = os.Rename(d.grave(n), path)
	} else {
		err = os.Link(d.path(n), path)
	}
	if err == nil {
		d.enter(dir, entry, n)
	}
	return err
}
