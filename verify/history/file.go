package history

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// line is one line of a saved history: exactly one of its fields is set.
type line struct {
	History  *History     `json:"history,omitempty"`
	Fault    *FaultWindow `json:"fault,omitempty"`
	Event    *Event       `json:"event,omitempty"`
	Publish  *Publish     `json:"publish,omitempty"`
	Delivery *Delivery    `json:"delivery,omitempty"`
}

// Write writes the history as JSON lines. The first line describes the whole, every other is one record.
func (h History) Write(w io.Writer) error {
	buffered := bufio.NewWriter(w)
	lines := json.NewEncoder(buffered)
	lines.SetEscapeHTML(false)
	write := func(l line) error { return lines.Encode(l) }

	err := write(line{History: &h})
	for i := 0; err == nil && i < len(h.Faults); i++ {
		err = write(line{Fault: &h.Faults[i]})
	}
	for i := 0; err == nil && i < len(h.Events); i++ {
		err = write(line{Event: &h.Events[i]})
	}
	for i := 0; err == nil && i < len(h.Publishes); i++ {
		err = write(line{Publish: &h.Publishes[i]})
	}
	for i := 0; err == nil && i < len(h.Deliveries); i++ {
		err = write(line{Delivery: &h.Deliveries[i]})
	}
	return errors.Join(err, buffered.Flush())
}

// Read reads what Write wrote. Records may be in any order; the first line must describe the history.
func Read(r io.Reader) (History, error) {
	var h History
	lines := json.NewDecoder(bufio.NewReader(r))
	for n := 1; ; n++ {
		var l line
		switch err := lines.Decode(&l); {
		case errors.Is(err, io.EOF) && n > 1:
			h.sort()
			return h, nil
		case errors.Is(err, io.EOF):
			return History{}, errors.New("the file is empty: not a history")
		case err != nil:
			return History{}, fmt.Errorf("record %d: %w", n, err)
		}
		if (l.History != nil) != (n == 1) {
			return History{}, fmt.Errorf("record %d: the first record, and no other, must be a \"history\"", n)
		}
		switch {
		case l.History != nil:
			h = *l.History
		case l.Fault != nil:
			h.Faults = append(h.Faults, *l.Fault)
		case l.Event != nil:
			h.Events = append(h.Events, *l.Event)
		case l.Publish != nil:
			h.Publishes = append(h.Publishes, *l.Publish)
		case l.Delivery != nil:
			h.Deliveries = append(h.Deliveries, *l.Delivery)
		default:
			return History{}, fmt.Errorf("record %d is none of history, fault, event, publish and delivery", n)
		}
	}
}

// Save writes the history to a file, and compresses it when the name ends in ".gz". Missing folders are made.
func (h History) Save(path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("save history: %w", err)
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("save history: %w", err)
	}
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			err = fmt.Errorf("save history %s: %w", path, err)
		}
	}()
	if !strings.HasSuffix(path, ".gz") {
		return h.Write(f)
	}
	z := gzip.NewWriter(f)
	return errors.Join(h.Write(z), z.Close())
}

// Load reads a history that Save wrote.
func Load(path string) (History, error) {
	f, err := os.Open(path)
	if err != nil {
		return History{}, fmt.Errorf("load history: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return History{}, fmt.Errorf("load history %s: %w", path, err)
		}
	}
	h, err := Read(r)
	if err != nil {
		return History{}, fmt.Errorf("load history %s: %w", path, err)
	}
	return h, nil
}
