package topology

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseSeries(t *testing.T) {
	for _, s := range []string{"3.10", "3.13", "4.0", "4.3", "10.0"} {
		series, err := ParseSeries(s)
		require.NoError(t, err)
		assert.Equal(t, s, series.String())
	}
	for _, s := range []string{
		"", "4", "4.", ".3", "4.3.6", "v4.3", "four.three", "4.3 ", "-4.3", "4.99999999999999999999",
	} {
		_, err := ParseSeries(s)
		assert.ErrorContains(t, err, "not a RabbitMQ series", "%q", s)
	}
}

func TestSeriesOfTag(t *testing.T) {
	for tag, want := range map[string]Series{
		"4.3": {4, 3}, "v4.3": {4, 3}, "4.3.6": {4, 3}, "4.3-management": {4, 3},
		"3.13.7-management-alpine": {3, 13},
	} {
		got, ok := SeriesOfTag(tag)
		assert.True(t, ok, tag)
		assert.Equal(t, want, got, tag)
	}
	for _, tag := range []string{"latest", "4", "4-management", "management", "4.x", "4.3management", ""} {
		_, ok := SeriesOfTag(tag)
		assert.False(t, ok, tag)
	}
}

func TestSeriesAreOrderedByNumbersNotText(t *testing.T) {
	assert.Positive(t, Series{3, 10}.Compare(Series{3, 9}))
	assert.Negative(t, Series{3, 13}.Compare(Series{4, 0}))
	same := Series{4, 3}
	assert.Zero(t, Series{4, 3}.Compare(same))
}

func TestCapabilities(t *testing.T) {
	all := []Series{{3, 10}, {3, 12}, {3, 13}, {4, 0}, {4, 1}, {4, 2}, {4, 3}, {5, 0}}
	for name, capability := range map[string]struct {
		has  func(Series) bool
		when SeriesRange
	}{
		"RAM nodes":            {Series.HasRAMNodes, SeriesRange{Until: Series{4, 2}}},
		"partition handling":   {Series.HasPartitionHandling, SeriesRange{Until: Series{4, 3}}},
		"queue master locator": {Series.HasQueueMasterLocator, SeriesRange{Until: Series{4, 0}}},
		"deprecated features":  {Series.HasDeprecatedFeatures, SeriesRange{Since: Series{3, 13}}},
		"peers found together": {Series.PeersFoundTogether, SeriesRange{Since: Series{3, 13}}},
		"check of service":     {Series.HasInServiceCheck, SeriesRange{Since: Series{4, 1}}},
		"Khepri":               {Series.NewClustersUseKhepri, SeriesRange{Since: Series{4, 2}}},
	} {
		for _, series := range all {
			want := capability.when.Includes(series)
			assert.Equal(t, want, capability.has(series), "%s in %s", name, series)
		}
	}
}

func TestUpgradePath(t *testing.T) {
	path := []Series{{3, 11}, {3, 12}, {3, 13}, {4, 2}, {4, 3}}
	assert.Equal(t, path, Series{3, 10}.UpgradePath(Series{4, 3}))
	assert.Equal(t, []Series{{4, 2}, {4, 3}}, Series{3, 13}.UpgradePath(Series{4, 3}))
	assert.Equal(t, []Series{{4, 3}}, Series{4, 2}.UpgradePath(Series{4, 3}))
	assert.Empty(t, Series{4, 3}.UpgradePath(Series{4, 2}))
}

func TestSupportsUpgradeTo(t *testing.T) {
	for _, c := range []struct {
		from, to Series
		want     bool
	}{
		{Series{4, 3}, Series{4, 3}, true},
		{Series{3, 10}, Series{3, 11}, true},
		{Series{3, 10}, Series{3, 12}, false},
		{Series{3, 12}, Series{4, 0}, false},
		{Series{3, 13}, Series{4, 0}, true},
		{Series{3, 13}, Series{4, 2}, true},
		{Series{3, 13}, Series{4, 3}, false},
		{Series{4, 0}, Series{4, 2}, true},
		{Series{4, 1}, Series{4, 3}, false},
		{Series{4, 2}, Series{4, 3}, true},
		{Series{4, 3}, Series{4, 4}, true},
		{Series{4, 3}, Series{4, 5}, false},
		{Series{4, 3}, Series{4, 2}, false},
		{Series{4, 0}, Series{3, 13}, false},
	} {
		assert.Equal(t, c.want, c.from.SupportsUpgradeTo(c.to), "%s to %s", c.from, c.to)
	}
}
