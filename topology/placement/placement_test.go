package placement

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// zoned are hosts h1, h2 and so on, given by their zones.
func zoned(zones ...string) []Host {
	var hosts []Host
	for i, zone := range zones {
		hosts = append(hosts, Host{"h" + string(rune('1'+i)), zone})
	}
	return hosts
}

func TestSpread(t *testing.T) {
	for name, c := range map[string]struct {
		hosts []Host
		pins  []string
		want  []string
	}{
		"one zone, in order": {zoned("", "", ""), []string{"", "", ""}, []string{"h1", "h2", "h3"}},
		"zones first, then hosts": {zoned("a", "a", "b", "c"), []string{"", "", ""},
			[]string{"h1", "h3", "h4"}},
		"a second host when all have":  {zoned("a", "a", "b"), []string{"", "", ""}, []string{"h1", "h3", "h2"}},
		"a pin":                        {zoned("a", "b", "c"), []string{"h3", "", ""}, []string{"h3", "h1", "h2"}},
		"a pin counts for its zone":    {zoned("a", "a", "b"), []string{"", "h1"}, []string{"h3", "h1"}},
		"more members than hosts":      {zoned("", ""), []string{"", "", ""}, []string{"h1", "h2", ""}},
		"a pin to no host":             {zoned("", ""), []string{"h9", ""}, []string{"", "h1"}},
		"two pins to one host":         {zoned("", ""), []string{"h2", "h2"}, []string{"h2", ""}},
		"the order of zones is theirs": {zoned("c", "b", "a"), []string{"", "", ""}, []string{"h3", "h2", "h1"}},
	} {
		assert.Equal(t, c.want, Spread(c.hosts, c.pins), name)
	}
}

func TestCritical(t *testing.T) {
	three := zoned("a", "b", "c")
	assert.Empty(t, Critical(three, []string{"h1", "h2", "h3"}))
	two := zoned("a", "a", "b")
	assert.Equal(t, []string{"a"}, Critical(two, []string{"h1", "h2", "h3"}))
	assert.Equal(t, []string{"a", "b"}, Critical(zoned("a", "b"), []string{"h1", "h2"}), "half is no majority")
	assert.Equal(t, []string{""}, Critical(zoned("", ""), []string{"h1", "h2"}))
}

// Wherever members may be, each is on a host of its own, no zone has two more than another one that had room,
// and a host that replaces another one in its zone moves nothing else.
func TestSpreadKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hosts := zoned(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 3, 9).Draw(t, "zones")...)
		places := Spread(hosts, make([]string, rapid.IntRange(1, len(hosts)).Draw(t, "members")))
		members := map[string]int{}
		seen := map[string]bool{}
		for _, place := range places {
			i := slices.IndexFunc(hosts, func(h Host) bool { return h.Name == place })
			assert.GreaterOrEqual(t, i, 0)
			assert.False(t, seen[place], "two on %s", place)
			seen[place] = true
			members[hosts[i].Zone]++
		}
		for _, h := range hosts {
			for zone, n := range members {
				if !seen[h.Name] {
					assert.LessOrEqual(t, n, members[h.Zone]+1, "%s has more than %s, where %s is free", zone,
						h.Zone, h.Name)
				}
			}
		}

		lost := rapid.IntRange(0, len(hosts)-1).Draw(t, "lost")
		after := slices.Clone(hosts)
		after[lost].Name = "new"
		for i, place := range Spread(after, make([]string, len(places))) {
			want := places[i]
			if want == hosts[lost].Name {
				want = "new"
			}
			assert.Equal(t, want, place)
		}
	})
}

func TestAHostAtTheEndOfTheListMovesNothingElse(t *testing.T) {
	before := Spread([]Host{{"h1", "a"}, {"h2", "b"}, {"h3", "c"}}, make([]string, 3))
	after := Spread([]Host{{"h1", "a"}, {"h3", "c"}, {"h4", "b"}}, make([]string, 3))
	assert.Equal(t, []string{"h1", "h2", "h3"}, before)
	assert.Equal(t, []string{"h1", "h4", "h3"}, after)
}
