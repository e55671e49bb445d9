package node

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"warren/agent/rabbit"
)

// data is what is on a node's volume.
type data struct {
	// home is where the volume is mounted, node the node's name.
	home, node string
}

// folder is where RabbitMQ keeps the node's data.
func (d data) folder() string { return filepath.Join(d.home, "mnesia", d.node) }

// record is the file that says which cluster the data are of, for the time when nobody can be asked.
func (d data) record() string { return filepath.Join(d.home, "warren-node.json") }

// exist tells whether the volume holds the data of a node. What can't be read counts as data.
func (d data) exist() bool {
	entries, err := os.ReadDir(d.folder())
	return len(entries) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist)
}

// origin is where data come from.
type origin struct {
	ClusterID string `json:"clusterId"`
	Version   string `json:"version"`
}

// origin returns what was noted of the data; nothing if there are none, or nothing was noted.
func (d data) origin() origin {
	var o origin
	text, err := os.ReadFile(d.record())
	if err != nil || json.Unmarshal(text, &o) != nil || !d.exist() {
		return origin{}
	}
	return o
}

// note notes the cluster that the running node is in, if that is not noted yet.
func (d data) note(id rabbit.Identity) error {
	o := origin{ClusterID: id.ClusterID, Version: id.Version}
	if d.origin() == o {
		return nil
	}
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	temporary := d.record() + ".new"
	if err := os.WriteFile(temporary, text, 0o600); err != nil {
		return err
	}
	return os.Rename(temporary, d.record())
}

// setAside moves the data to a place where RabbitMQ does not look for them, and returns that place. 3.x
// keeps the enabled feature flags beside them.
func (d data) setAside(now time.Time) (string, error) {
	aside := d.folder() + ".removed-" + now.UTC().Format("20060102T150405")
	if err := os.Rename(d.folder(), aside); err != nil {
		return "", err
	}
	const flags = "-feature_flags"
	if err := os.Rename(d.folder()+flags, aside+flags); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return aside, err
	}
	if err := os.Remove(d.record()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return aside, err
	}
	return aside, nil
}
