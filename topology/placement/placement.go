// Package placement decides which hosts the parts of a stack are on. It is pure: the same hosts and wishes
// give the same places.
package placement

import (
	"cmp"
	"slices"
)

// Host is a host as far as places on it go. A zone is what fails as one: a rack, a data centre. Hosts
// without a zone are in one together.
type Host struct {
	Name, Zone string
}

// Spread gives every member of a group a host of its own, by name. A pin is the host that a member must be
// on, or empty. A member that is not pinned goes to the zone with the fewest members, of several to the first
// by name, and there to the first free host. So the order of hosts in different zones does not matter, and
// a host that takes the place of another one in its zone moves only what was there. The place of a member is
// empty if there is no host left for it, or if it is pinned to one that does not exist or is taken.
func Spread(hosts []Host, pins []string) []string {
	places := make([]string, len(pins))
	members := map[string]int{} // by zone
	var free []Host
	for _, h := range hosts {
		member := slices.Index(pins, h.Name)
		if member < 0 || h.Name == "" {
			free = append(free, h)
			continue
		}
		places[member] = h.Name
		members[h.Zone]++
	}
	for member, pin := range pins {
		if pin != "" || len(free) == 0 {
			continue
		}
		chosen := 0
		for i := range free {
			if before(members, free[i], free[chosen]) {
				chosen = i
			}
		}
		places[member] = free[chosen].Name
		members[free[chosen].Zone]++
		free = slices.Delete(free, chosen, chosen+1)
	}
	return places
}

// before tells whether a host is to be taken before another one that comes first in the list.
func before(members map[string]int, a, b Host) bool {
	return cmp.Or(cmp.Compare(members[a.Zone], members[b.Zone]), cmp.Compare(a.Zone, b.Zone)) < 0
}

// Zones are the zones of hosts, by name.
func Zones(hosts []Host) []string {
	var zones []string
	for _, h := range hosts {
		zones = append(zones, h.Zone)
	}
	slices.Sort(zones)
	return slices.Compact(zones)
}

// Critical are the zones whose loss leaves no majority of the members that have these places.
func Critical(hosts []Host, places []string) []string {
	var critical []string
	for _, zone := range Zones(hosts) {
		lost := 0
		for _, place := range places {
			if slices.Contains(hosts, Host{place, zone}) {
				lost++
			}
		}
		if 2*(len(places)-lost) <= len(places) {
			critical = append(critical, zone)
		}
	}
	return critical
}
