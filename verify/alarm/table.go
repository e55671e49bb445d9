package alarm

import (
	"slices"
	"time"
)

// How soon alerts must fire: what a rule waits, and a multiple of what was measured beyond that, on two cores
// with ten times as much to do as they can. docs/monitoring.md has the figures.
const (
	// atOnce is for rules that do not wait: 5 to 7 s were measured.
	atOnce = 25 * time.Second
	// soon is for rules that wait for 15 s: 17 to 25 s were measured, of which the cluster takes some to notice
	// the failure by itself.
	soon = 60 * time.Second
	// afterRestart is for rules that let a node restart, for two minutes: 128 to 130 s were measured.
	afterRestart = 170 * time.Second
)

func must(alert string, within time.Duration, may ...string) Expectation {
	return Expectation{Must: []Must{{alert, within}}, May: may}
}

// Table are the alerts of the faults, by the fault's name. Faults that are not in it fire none: they are
// over before anybody must know, or are no failure at all.
var Table = map[string]Expectation{
	"leader-killed":        must("NodeDown", afterRestart),
	"follower-killed":      must("NodeDown", afterRestart),
	"leader-stopped":       must("NodeDown", afterRestart),
	"leader-paused":        must("NodeDown", afterRestart, "NodesSeparated"),
	"app-stopped":          must("NodeDown", afterRestart),
	"load-balancer-killed": must("LoadBalancerDown", soon),
	"two-nodes-killed": must("NoMajority", soon, "NodeDown", "NothingConfirmed", "NoServers", "ServerDown",
		"QueueWithoutLeader", "QueueDown"),
	"all-nodes-killed": must("NoMajority", soon, "NodeDown", "NoServers", "QueueWithoutLeader", "QueueDown"),

	"leader-isolated":        must("NodesSeparated", soon, "ServerDown", "NothingConfirmed"),
	"follower-isolated":      must("NodesSeparated", soon, "ServerDown"),
	"pair-cut":               must("NodesSeparated", soon, "ServerDown"),
	"majorities-ring":        must("NodesSeparated", soon, "ServerDown"),
	"one-way-loss":           must("NodesSeparated", soon, "ServerDown"),
	"cut-from-load-balancer": must("ServerDown", afterRestart),

	"memory-alarm": must("MemoryAlarm", atOnce, "NothingConfirmed"),
	"disk-alarm":   must("DiskAlarm", atOnce, "NothingConfirmed"),

	// A link that comes and goes, or loses packets, may be seen cut.
	"flapping-link":  {May: []string{"NodesSeparated"}},
	"packet-loss":    {May: []string{"NodesSeparated"}},
	"cookie-changed": {May: []string{"NodesSeparated"}},
	// Who gets too little time may look dead to others.
	"leader-paused-long":   must("NodeDown", afterRestart, "NodesSeparated", "ServerDown"),
	"minority-paused":      must("NodeDown", afterRestart, "NodesSeparated", "ServerDown"),
	"majority-paused":      must("NoMajority", soon, "NodeDown", "NothingConfirmed", "NoServers", "ServerDown"),
	"majority-paused-long": must("NoMajority", soon, "NodeDown", "NothingConfirmed", "NoServers", "ServerDown"),
	"leader-starved":       {May: []string{"NodeDown", "NodesSeparated", "ServerDown"}},
	"everyone-starved": {May: []string{"NodeDown", "NodesSeparated", "ServerDown", "NoServers", "NoMajority",
		"NothingConfirmed"}},
	"leader-out-of-memory": {May: []string{"NodeDown", "MemoryAlarm"}},
	"packets-reordered":    {May: []string{"NodesSeparated"}},
	"bandwidth-limited":    {May: []string{"NodesSeparated", "ServerDown", "NothingConfirmed"}},

	"load-balancer-paused":    must("LoadBalancerDown", soon),
	"load-balancer-starved":   {May: []string{"LoadBalancerDown", "ServerDown"}},
	"load-balancer-reloading": {May: []string{"LoadBalancerDown"}},

	// The node is away for as long as it takes to come back with nothing.
	"node-reset":  {May: []string{"NodeDown", "HelperUnhealthy"}},
	"volume-lost": {May: []string{"NodeDown", "HelperUnhealthy"}},
}

// Lenient is a table in which what must fire may fire: for faults that are healed before.
func Lenient(table map[string]Expectation) map[string]Expectation {
	lenient := map[string]Expectation{}
	for name, e := range table {
		may := slices.Clone(e.May)
		for _, m := range e.Must {
			may = append(may, m.Alert)
		}
		lenient[name] = Expectation{May: may}
	}
	return lenient
}
