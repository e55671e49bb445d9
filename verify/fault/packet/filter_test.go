package packet

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"warren/topology"
)

func TestRulesAreForBothFamilies(t *testing.T) {
	peer := Endpoint{Name: "rabbit2",
		Addresses: []netip.Addr{netip.MustParseAddr("172.18.0.3"), netip.MustParseAddr("fd00::3")}}
	ipv4, ipv6 := RulesFor(DropAll, []Endpoint{peer})
	assert.Equal(t, `*filter
:WARREN-FAULT - [0:0]
-A WARREN-FAULT -s 172.18.0.3 -j DROP
-A WARREN-FAULT -d 172.18.0.3 -j DROP
COMMIT`, ipv4)
	assert.Equal(t, `*filter
:WARREN-FAULT - [0:0]
-A WARREN-FAULT -s fd00::3 -j DROP
-A WARREN-FAULT -d fd00::3 -j DROP
COMMIT`, ipv6)
}

func TestFamilyWithoutPeersHasNoRules(t *testing.T) {
	peer := Endpoint{Name: "rabbit2", Addresses: []netip.Addr{netip.MustParseAddr("172.18.0.3")}}
	_, ipv6 := RulesFor(DropAll, []Endpoint{peer})
	assert.Empty(t, ipv6)
}

func TestFilterWithoutPeersIsAnError(t *testing.T) {
	err := Filter{Node: topology.NodeOutput{Name: "rabbit1"}, Rule: DropAll}.Apply(t.Context(),
		nil)
	assert.ErrorContains(t, err, "nothing to do to the network of rabbit1")
}
