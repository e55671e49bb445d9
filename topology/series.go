package topology

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// Series is a RabbitMQ release series, such as 4.3. Each difference between series that matters here is a
// method with a name, so that no other code compares version numbers.
type Series struct {
	Major, Minor int
}

// The oldest series Warren configures, and the newest it was tested with.
var (
	OldestSeries = Series{3, 10}
	NewestSeries = Series{4, 3}
)

var (
	seriesPattern = regexp.MustCompile(`^(\d{1,3})\.(\d{1,3})$`)
	// tagPattern finds the series at the start of an image's tag: "4.3", "v4.3", "4.3.6-management-alpine".
	tagPattern = regexp.MustCompile(`^v?(\d{1,3})\.(\d{1,3})(?:[.-].*)?$`)
)

// ParseSeries reads a series written as "4.3".
func ParseSeries(s string) (Series, error) {
	series, ok := matchSeries(seriesPattern, s)
	if !ok {
		return Series{}, fmt.Errorf("%q is not a RabbitMQ series such as %q", s, NewestSeries)
	}
	return series, nil
}

// SeriesOfTag derives the series from the tag of an image.
func SeriesOfTag(tag string) (Series, bool) { return matchSeries(tagPattern, tag) }

func matchSeries(pattern *regexp.Regexp, s string) (Series, bool) {
	m := pattern.FindStringSubmatch(s)
	if m == nil {
		return Series{}, false
	}
	major, _ := strconv.Atoi(m[1]) // the pattern admits digits only
	minor, _ := strconv.Atoi(m[2])
	return Series{major, minor}, true
}

// String returns the series as RabbitMQ writes it, such as "4.3".
func (s Series) String() string { return fmt.Sprintf("%d.%d", s.Major, s.Minor) }

// Compare returns a negative number when s is older than other, 0 when they are the same, a positive one when
// it is newer.
func (s Series) Compare(other Series) int {
	return cmp.Or(cmp.Compare(s.Major, other.Major), cmp.Compare(s.Minor, other.Minor))
}

func (s Series) atLeast(major, minor int) bool { return s.Compare(Series{major, minor}) >= 0 }

// SeriesRange is the series from Since, if that is set, to the one before Until, if that is set.
type SeriesRange struct{ Since, Until Series }

// Includes tells whether a series is in the range.
func (r SeriesRange) Includes(s Series) bool {
	return s.Compare(r.Since) >= 0 && (r.Until == Series{} || s.Compare(r.Until) < 0)
}

// NewClustersUseKhepri tells whether a new cluster keeps its metadata in Khepri: the default since 4.2, and
// the only store since 4.3.
func (s Series) NewClustersUseKhepri() bool { return s.atLeast(4, 2) }

// HasMnesia tells whether the series can still run on Mnesia. A cluster of 4.2 does when it was upgraded from
// an older series.
func (s Series) HasMnesia() bool { return !s.atLeast(4, 3) }

// HasRAMNodes tells whether a node of a new cluster can be a RAM node. RAM nodes belong to Mnesia; Khepri
// refuses them.
func (s Series) HasRAMNodes() bool { return !s.NewClustersUseKhepri() }

// HasPartitionHandling tells whether cluster_partition_handling can have an effect. It belongs to Mnesia; 4.3
// accepts the key and ignores it.
func (s Series) HasPartitionHandling() bool { return s.HasMnesia() }

// HasDeprecatedFeatures tells whether rabbitmq.conf knows deprecated_features.permit.*.
func (s Series) HasDeprecatedFeatures() bool { return s.atLeast(3, 13) }

// PeersFoundTogether tells whether the nodes of a new cluster agree on which of them founds it. Before peer
// discovery was rewritten in 3.13 (rabbitmq-server, pull request 9797), the first node held up the others
// while it tried to join them, which can't succeed, until it had used up its retries.
func (s Series) PeersFoundTogether() bool { return s.atLeast(3, 13) }

// HasQueueMasterLocator tells whether classic queues are placed by queue_master_locator. 4.0 deprecated the
// key: queue_leader_locator, which places quorum queues in every series, places all queues there.
func (s Series) HasQueueMasterLocator() bool { return !s.atLeast(4, 0) }

// ConnectionLimitKey is the key of rabbitmq.conf for the number of connections a node accepts. 4.3 renamed
// it; older series know the old name only.
func (s Series) ConnectionLimitKey() string {
	if s.atLeast(4, 3) {
		return "max_connections"
	}
	return "connection_max"
}

// HasAnonymousLogin tells whether clients can log in without a name, unless anonymous_login_user is none.
func (s Series) HasAnonymousLogin() bool { return s.atLeast(4, 0) }

// HasInServiceCheck tells whether the management API has /api/health/checks/is-in-service, which fails while
// a node is drained for maintenance.
func (s Series) HasInServiceCheck() bool { return s.atLeast(4, 1) }

// directUpgrades lists, for each series, the older series from which its release notes allow an upgrade in
// place. A series that is not listed takes upgrades from its direct predecessor only.
var directUpgrades = map[Series][]Series{
	{3, 11}: {{3, 10}},
	{3, 12}: {{3, 11}},
	{3, 13}: {{3, 12}},
	{4, 0}:  {{3, 13}},
	{4, 1}:  {{3, 13}, {4, 0}},
	{4, 2}:  {{3, 13}, {4, 0}, {4, 1}},
	{4, 3}:  {{4, 2}},
}

// UpgradePath returns the shortest sequence of upgrades from s to target, which is its last element. It is
// empty if there is none, as for a downgrade.
func (s Series) UpgradePath(target Series) []Series {
	var best []Series
	for via := range directUpgrades {
		if via.Compare(s) <= 0 || via.Compare(target) > 0 || !s.SupportsUpgradeTo(via) {
			continue
		}
		path := []Series{via}
		if via != target {
			rest := via.UpgradePath(target)
			if rest == nil {
				continue
			}
			path = append(path, rest...)
		}
		if best == nil || len(path) < len(best) {
			best = path
		}
	}
	return best
}

// SupportsUpgradeTo tells whether RabbitMQ supports a rolling upgrade in place from s to target without a
// series in between. An upgrade within a series is supported; a downgrade never is.
func (s Series) SupportsUpgradeTo(target Series) bool {
	if s == target {
		return true
	}
	if from, known := directUpgrades[target]; known {
		return slices.Contains(from, s)
	}
	return s.Major == target.Major && s.Minor+1 == target.Minor
}
