package soak

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/verify/fault/resource"
	"warren/verify/report"
)

// sampleEvery is the time between two looks at the memory.
const sampleEvery = 5 * time.Second

// harness is the name of this process in the report. The clients run in it.
const harness = "harness"

// watch looks at the memory of the cluster's containers and of this process until it is stopped.
type watch struct {
	cluster *cluster.Cluster
	began   time.Time
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu   sync.Mutex
	used []report.Memory
}

func startWatch(ctx context.Context, c *cluster.Cluster) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{cluster: c, began: time.Now(), cancel: cancel}
	for _, node := range c.Nodes() {
		w.used = append(w.used, report.Memory{Of: node.Name})
	}
	w.used = append(w.used, report.Memory{Of: "load balancer"}, report.Memory{Of: harness})
	w.running.Go(func() {
		for {
			w.sample(ctx)
			if wait.Sleep(ctx, sampleEvery) != nil {
				return
			}
		}
	})
	return w
}

func (w *watch) stop() {
	w.cancel()
	w.running.Wait()
}

// sample takes one look. What does not run, or does not answer, has no sample.
func (w *watch) sample(ctx context.Context) {
	var containers []string
	for _, node := range w.cluster.Nodes() {
		containers = append(containers, node.Container)
	}
	containers = append(containers, w.cluster.Outputs().LoadBalancer.Container)
	for i, name := range containers {
		stats, err := resource.Stats(ctx, w.cluster, name)
		if err != nil || stats.MemoryStats.Usage == 0 {
			continue
		}
		cached := stats.MemoryStats.Stats["total_inactive_file"] // control groups, version 1
		if cached == 0 {
			cached = stats.MemoryStats.Stats["inactive_file"]
		}
		w.add(i, stats.MemoryStats.Usage-min(cached, stats.MemoryStats.Usage))
	}
	if bytes, err := resident(); err == nil {
		w.add(len(containers), bytes)
	}
}

func (w *watch) add(i int, bytes uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.used[i].Samples = append(w.used[i].Samples, report.MemoryUsage{At: time.Since(w.began), Bytes: bytes})
}

// usage is what was seen so far.
func (w *watch) usage() []report.Memory {
	w.mu.Lock()
	defer w.mu.Unlock()
	used := slices.Clone(w.used)
	for i := range used {
		used[i].Samples = slices.Clone(used[i].Samples)
	}
	return used
}

// resident is how much memory of the machine this process uses.
func resident() (uint64, error) {
	const file = "/proc/self/statm"
	text, err := os.ReadFile(file)
	if err != nil {
		return 0, fmt.Errorf("memory of this process: %w", err)
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("memory of this process: %s holds %q", file, text)
	}
	pages, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("memory of this process: %s: %w", file, err)
	}
	return pages * uint64(os.Getpagesize()), nil
}

const (
	// slack is the growth that is put down to chance.
	slack = 64 << 20
	// mostGrowth is how many times what was used at first may be used in the end, on top of slack.
	mostGrowth = 1.25
	// enough is how many samples it takes to tell growth from a busy moment.
	enough = 40
)

// Growth says whose memory grew from the second quarter of a run to the last. It compares the least that was
// used in each: what traffic needs for the time being comes and goes, and what leaks stays. The first quarter
// does not count, because caches fill in it. Of a short run it says nothing.
func Growth(used []report.Memory) []string {
	var grown []string
	for _, m := range used {
		n := len(m.Samples)
		if n < enough {
			continue
		}
		least := func(samples []report.MemoryUsage) uint64 {
			return slices.MinFunc(samples, func(a, b report.MemoryUsage) int {
				return int(int64(a.Bytes) - int64(b.Bytes))
			}).Bytes
		}
		before, after := least(m.Samples[n/4:n/2]), least(m.Samples[3*n/4:])
		if float64(after) > mostGrowth*float64(before)+slack {
			grown = append(grown, fmt.Sprintf("The memory of %s grew from %d MiB to %d MiB.", m.Of, before>>20,
				after>>20))
		}
	}
	return grown
}
