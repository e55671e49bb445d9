package doctor

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/operate/cluster"
)

// away makes rabbit2 a cluster of its own, with queues of its own.
func away(e *Examination, own []cluster.Queue) {
	n := &e.Status.Nodes[1]
	n.Members, n.Running, n.ClusterID = []string{"rabbit@rabbit2"}, []string{"rabbit@rabbit2"}, "its own"
	e.Own["rabbit2"] = own
	for _, i := range []int{0, 2} {
		e.Status.Nodes[i].Running = without(e.Status.Nodes[i].Running, n.NodeName)
	}
}

// forget makes the peers of rabbit2 forget it, while it does not know.
func forget(e *Examination) {
	for _, i := range []int{0, 2} {
		e.Status.Nodes[i].Members = []string{"rabbit@rabbit1", "rabbit@rabbit3"}
		e.Status.Nodes[i].Running = e.Status.Nodes[i].Members
	}
}

// stray makes rabbit9, which is none of the stack's nodes, a member of the cluster.
func stray(e *Examination, runs bool) {
	for i := range e.Status.Nodes {
		n := &e.Status.Nodes[i]
		n.Members = append([]string{"rabbit@rabbit9"}, n.Members...)
		if runs {
			n.Running = n.Members
		}
	}
}

// byHand makes the cluster one that Pulumi did not deploy.
func byHand(e *Examination) { e.Status.Helpers = nil }

// destructive are commands after which something is gone.
var destructive = regexp.MustCompile(`\b(reset|force_reset|forget_cluster_node|delete_queue|delete_member|delete_replica|purge_queue|rm|volume)\b`)

// warned tells whether a comment right before the first of the destructive commands says what it deletes.
func warned(fix []string) bool {
	said := false
	for _, line := range fix {
		switch {
		case strings.HasPrefix(line, "#"):
			said = said || strings.Contains(line, "delete") || strings.Contains(line, "lost")
		case destructive.MatchString(line):
			return said
		}
	}
	return true
}

func TestNothingIsDestroyedWithoutAWarning(t *testing.T) {
	for _, test := range diagnosisTests() {
		for _, deployed := range []bool{true, false} {
			e := healthy()
			test.spoil(&e)
			if !deployed {
				byHand(&e)
			}
			for _, d := range Diagnose(e) {
				// Whether a member may go is decided by the planner, and without a loss.
				if d.Name != "not-in-stack" {
					assert.True(t, warned(d.Fix), "%s: %q", d.Name, d.Fix)
				}
			}
		}
	}
	assert.False(t, warned([]string{"docker exec a rabbitmqctl reset"}))
}

func TestNodeWithQueuesOfItsOwnIsNeverReset(t *testing.T) {
	for _, deployed := range []bool{true, false} {
		e := healthy()
		away(&e, []cluster.Queue{{VHost: "/", Name: "orders", Type: "quorum", Messages: 7}})
		if !deployed {
			byHand(&e)
		}
		d := find(t, Diagnose(e), Inconsistent, "rabbit2")
		assert.NotContains(t, strings.Join(d.Fix, "\n"), "reset")
		assert.Contains(t, d.Means, "Nothing is done to it: rabbit@rabbit2 is a cluster of its own and has queues")
	}
}

// TestNodeThatDoesNotRunIsNeverReset: it may be the only one that has the data (D8).
func TestNodeThatDoesNotRunIsNeverReset(t *testing.T) {
	for _, deployed := range []bool{true, false} {
		e := healthy()
		gone(&e, "running", true)
		e.Logs["rabbit2"] = "{inconsistent_cluster,...}"
		if !deployed {
			byHand(&e)
		}
		d := find(t, Diagnose(e), Inconsistent, "rabbit2")
		for _, line := range d.Fix {
			assert.False(t, destructive.MatchString(line) && !strings.HasPrefix(line, "#"), line)
		}
	}
}

func TestNodeOfUnknownQueuesIsNeverReset(t *testing.T) {
	e := healthy()
	byHand(&e)
	away(&e, nil)
	delete(e.Own, "rabbit2")
	d := find(t, Diagnose(e), Inconsistent, "rabbit2")
	assert.NotContains(t, strings.Join(d.Fix, "\n"), " reset")
	assert.Contains(t, d.Means, "It is not certain what only it has")
}

func TestEmptyNodeOfAClusterByHandMayBeReset(t *testing.T) {
	e := healthy()
	byHand(&e)
	away(&e, []cluster.Queue{})
	d := find(t, Diagnose(e), Inconsistent, "rabbit2")
	fix := strings.Join(d.Fix, "\n")
	assert.Contains(t, fix, "docker exec warren-test-rabbit2 rabbitmqctl reset")
	assert.Less(t, strings.Index(fix, "this deletes what only rabbit2 has"),
		strings.Index(fix, "rabbitmqctl reset"))
}

func TestMemberThatMayNotLeaveIsNotForgotten(t *testing.T) {
	e := healthy()
	stray(&e, true)
	e.Status.Queues = append(e.Status.Queues, cluster.Queue{
		VHost: "/", Name: "$(rm -rf)", Type: "classic", Durable: true, State: "running",
		Leader: "rabbit@rabbit9", Members: []string{"rabbit@rabbit9"}, Online: []string{"rabbit@rabbit9"},
	})
	d := find(t, Diagnose(e), "not-in-stack", "rabbit@rabbit9")
	assert.Contains(t, d.Means, "It is not removed: rabbit@rabbit9 can't leave: it alone has")
	assert.Contains(t, d.Means, `delete_queue --vhost / --if-empty --if-unused -- '$(rm -rf)'`)
	assert.NotContains(t, strings.Join(d.Fix, "\n"), "forget_cluster_node")
}

func TestMemberThatMayLeave(t *testing.T) {
	e := healthy()
	stray(&e, true)
	d := find(t, Diagnose(e), "not-in-stack", "rabbit@rabbit9")
	assert.Contains(t, d.Means, "Next: drain rabbit@rabbit9")
	assert.Equal(t, []string{"pulumi up --stack test"}, d.Fix)

	byHand(&e)
	d = find(t, Diagnose(e), "not-in-stack", "rabbit@rabbit9")
	assert.Equal(t, "docker exec warren-test-rabbit1 rabbitmq-upgrade -n rabbit@rabbit9 drain", d.Fix[0])

	e = healthy()
	byHand(&e)
	stray(&e, false)
	d = find(t, Diagnose(e), "not-in-stack", "rabbit@rabbit9")
	assert.Equal(t, "docker exec warren-test-rabbit1 rabbitmqctl forget_cluster_node rabbit@rabbit9", d.Fix[0])
}

// TestMemberCannotLeaveAMinority: two of three nodes do not run.
func TestMemberCannotLeaveAMinority(t *testing.T) {
	e := healthy()
	stray(&e, false)
	for i := range 2 {
		n := &e.Status.Nodes[i]
		n.State, n.Error, n.AMQP, n.Runtime = "exited", "container exited", false, false
		n.Members, n.Running, n.ClusterID = nil, nil, ""
	}
	e.Status.Nodes[2].Running = []string{"rabbit@rabbit3"}
	e.Status.Queues[0].Leader, e.Status.Queues[0].Online = "", []string{"rabbit@rabbit3"}
	d := find(t, Diagnose(e), "not-in-stack", "rabbit@rabbit9")
	for _, line := range d.Fix {
		assert.NotContains(t, line, "forget_cluster_node")
	}
}

// TestMembersAreThoseThatMostNodesName: the one that was forgotten does not know that.
func TestMembersAreThoseThatMostNodesName(t *testing.T) {
	e := healthy()
	forget(&e)
	view := viewOf(e)
	assert.True(t, view.Nodes[0].Member.Is(true))
	assert.True(t, view.Nodes[1].Member.Is(false))
}

func TestViewIsOfTheClusterThatMostNodesAreIn(t *testing.T) {
	e := healthy()
	away(&e, nil)
	view := viewOf(e)
	require.Len(t, view.Nodes, 3)
	assert.Equal(t, "home", view.ClusterID)
	assert.True(t, view.Nodes[0].Alone.Is(false))
	assert.True(t, view.Nodes[1].Alone.Is(true))
	assert.True(t, view.Nodes[1].OwnQueues.Is(0))
	assert.True(t, view.QueuesKnown)
	assert.Len(t, view.Metadata.Group.Replicas, 3)
}
