package fault

import (
	"warren/verify/fault/packet"

	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/cluster"
	"warren/topology"
)

func TestFaultsAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range All() {
		t.Run(f.Name, func(t *testing.T) {
			assert.Regexp(t, `^[a-z]+(-[a-z]+)*$`, f.Name)
			assert.False(t, seen[f.Name], "the name is taken")
			assert.True(t, strings.HasSuffix(f.Description, "."), "the description is a sentence")
			assert.NotNil(t, f.Available)
			assert.NotNil(t, f.Inject)
			for path, bound := range f.Expect.MaxOutage {
				assert.Positive(t, bound, "of path %q", path)
			}
			seen[f.Name] = true
		})
	}
}

func TestFindTellsWhichFaultThereIsNot(t *testing.T) {
	found, err := Find("pair-cut")
	require.NoError(t, err)
	assert.Equal(t, "pair-cut", found.Name)
	_, err = Find("earthquake")
	assert.ErrorContains(t, err, `no fault "earthquake"`)
}

func TestFaultsThatNeedMoreNodesAreNotAvailable(t *testing.T) {
	c, err := cluster.Open(topology.Outputs{
		ManagementURL: "http://127.0.0.1:15671", Nodes: []topology.NodeOutput{{Name: "rabbit1"}, {Name: "rabbit2"}},
	})
	require.NoError(t, err)
	defer c.Close()
	for _, name := range []string{"two-nodes-killed", "leader-isolated", "pair-cut", "node-reset",
		"rolling-restart"} {
		f, err := Find(name)
		require.NoError(t, err)
		assert.EqualError(t, f.Available(c), "needs 3 nodes, and the stack has 2", name)
	}
	f, err := Find("majorities-ring")
	require.NoError(t, err)
	assert.EqualError(t, f.Available(c), "needs 5 nodes, and the stack has 2")
}

func TestFailedInjectionIsHealed(t *testing.T) {
	failed, healed := errors.New("no effect"), false
	injection, err := inject(t.Context(), "broke it",
		func(context.Context) error { return failed },
		func(context.Context) error { healed = true; return nil })
	assert.ErrorIs(t, err, failed)
	assert.ErrorContains(t, err, "inject (broke it): no effect")
	assert.Nil(t, injection)
	assert.True(t, healed)
}

func TestFailedInjectionIsHealedAfterAnInterrupt(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	_, err := inject(ctx, "broke it",
		func(ctx context.Context) error { interrupt(); return ctx.Err() },
		func(ctx context.Context) error { return ctx.Err() })
	require.ErrorIs(t, err, context.Canceled)
	assert.NotContains(t, err.Error(), "heal")
}

func TestFailureToHealIsReported(t *testing.T) {
	stuck := errors.New("stuck")
	injection, err := inject(t.Context(), "broke it",
		func(context.Context) error { return nil },
		func(context.Context) error { return stuck })
	require.NoError(t, err)
	assert.Equal(t, "broke it", injection.String())
	assert.ErrorIs(t, injection.Heal(t.Context()), stuck)
}

func TestAwaitTellsWhatIsNotSo(t *testing.T) {
	err := await(t.Context(), 10*time.Millisecond, func(context.Context) error {
		return errors.New("the link is whole")
	})
	assert.EqualError(t, err, "wait for the effect: the link is whole (timed out after 10ms)")
}

func TestRingLeavesEveryNodeAMajorityOfItsOwn(t *testing.T) {
	for _, n := range []int{5, 7, 9} {
		majorities := map[string]bool{}
		for i, unseen := range ring(n) {
			assert.NotContains(t, unseen, i)
			assert.GreaterOrEqual(t, n-len(unseen), n/2+1, "node %d of %d", i, n)
			assert.NotEmpty(t, unseen)
			for _, j := range unseen {
				assert.Contains(t, ring(n)[j], i, "%d does not see %d, so %d must not see %d", i, j, j, i)
			}
			slices.Sort(unseen)
			majorities[fmt.Sprint(unseen)] = true
		}
		assert.Len(t, majorities, n, "no two nodes see the same majority")
	}
}

func TestRulesAreForBothFamilies(t *testing.T) {
	peer := packet.Endpoint{Name: "rabbit2",
		Addresses: []netip.Addr{netip.MustParseAddr("172.18.0.3"), netip.MustParseAddr("fd00::3")}}
	ipv4, ipv6 := packet.RulesFor(packet.DropAll, []packet.Endpoint{peer})
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
	peer := packet.Endpoint{Name: "rabbit2", Addresses: []netip.Addr{netip.MustParseAddr("172.18.0.3")}}
	_, ipv6 := packet.RulesFor(packet.DropAll, []packet.Endpoint{peer})
	assert.Empty(t, ipv6)
}

func TestFilterWithoutPeersIsAnError(t *testing.T) {
	err := packet.Filter{Node: topology.NodeOutput{Name: "rabbit1"}, Rule: packet.DropAll}.Apply(t.Context(),
		nil)
	assert.ErrorContains(t, err, "nothing to do to the network of rabbit1")
}
