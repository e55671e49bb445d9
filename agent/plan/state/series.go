package state

import (
	"strings"

	"warren/topology"
)

// SeriesOf is the series of a version such as "4.3.6".
func SeriesOf(version string) (topology.Series, bool) {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return topology.Series{}, false
	}
	series, err := topology.ParseSeries(parts[0] + "." + parts[1])
	return series, err == nil
}

// SeriesFits tells whether the image can take over a node's data, as far as it is known what wrote them.
func (s *Sight) SeriesFits(n Node) bool {
	from, known := s.SeriesOf(n)
	return !known || s.Want.Series == topology.Series{} || n.Data.Is(false) ||
		from.SupportsUpgradeTo(s.Want.Series)
}

// SeriesOf is the series that a node runs, or that wrote its data last.
func (s *Sight) SeriesOf(n Node) (topology.Series, bool) {
	version, known := n.Version.Get()
	if !known {
		return topology.Series{}, false
	}
	return SeriesOf(version)
}

// OneSeries tells whether all nodes of which it is known run one series: an upgrade that was interrupted goes
// on, and enables its flags at its end.
func (s *Sight) OneSeries() bool {
	first := topology.Series{}
	for _, n := range s.Nodes {
		series, known := s.SeriesOf(n)
		switch {
		case !known:
		case first == topology.Series{}:
			first = series
		case series != first:
			return false
		}
	}
	return true
}

// DisabledFlags are the stable feature flags that are not enabled.
func (s *Sight) DisabledFlags() []string {
	var names []string
	for _, f := range s.Flags {
		if f.Stable && !f.Enabled {
			names = append(names, f.Name)
		}
	}
	return names
}
