package survey

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/plan"
	"warren/infra/engine/enginetest"
	"warren/topology"
	"warren/topology/stackconfig"
)

func three(t *testing.T) *topology.Cluster {
	t.Helper()
	cluster, err := stackconfig.New(enginetest.Stack, stackconfig.Config{})
	require.NoError(t, err)
	return cluster
}

// orderOf is the order of a deployment by node names.
func orderOf(t *testing.T, docker *enginetest.Fake, cluster *topology.Cluster) [][]string {
	t.Helper()
	found, err := Look(t.Context(), docker, cluster, Last{})
	require.NoError(t, err)
	order, err := found.Order(cluster)
	require.NoError(t, err)
	var names [][]string
	for _, group := range order {
		var of []string
		for _, n := range group.Nodes {
			of = append(of, n.Name)
		}
		names = append(names, of)
	}
	return names
}

func TestNothingThereStartsTogether(t *testing.T) {
	assert.Equal(t, [][]string{{"rabbit1", "rabbit2", "rabbit3"}}, orderOf(t, &enginetest.Fake{}, three(t)))
}

func TestNodesThatServeRoll(t *testing.T) {
	docker := &enginetest.Fake{Volumes: 3, Containers: enginetest.Nodes("healthy", "healthy", "healthy")}
	assert.Equal(t, [][]string{{"rabbit1"}, {"rabbit2"}, {"rabbit3"}}, orderOf(t, docker, three(t)))
}

func TestANodeThatIsDownComesFirst(t *testing.T) {
	nodes := enginetest.Nodes("healthy", "healthy", "healthy")
	nodes[1].State, nodes[1].Status = container.StateExited, "Exited (0) 1 minute ago"
	docker := &enginetest.Fake{Volumes: 3, Containers: nodes}
	assert.Equal(t, [][]string{{"rabbit2"}, {"rabbit1"}, {"rabbit3"}}, orderOf(t, docker, three(t)))
}

func TestNodesThatAreAllStoppedStartTogether(t *testing.T) {
	nodes := enginetest.Nodes("", "", "")
	for i := range nodes {
		nodes[i].State, nodes[i].Status = container.StateExited, "Exited (0) 1 minute ago"
	}
	docker := &enginetest.Fake{Volumes: 3, Containers: nodes}
	assert.Equal(t, [][]string{{"rabbit1", "rabbit2", "rabbit3"}}, orderOf(t, docker, three(t)))
}

// D8: two of three containers and volumes are removed, and the third node is stopped. The label of a
// container in which RabbitMQ has not run says nothing of the data: its node may refuse to start on them, and
// then the image that wrote them is to be refused as little as any.
func TestALabelCountsWhereRabbitMQHasRun(t *testing.T) {
	for status, counts := range map[string]bool{
		"Up 5 minutes (healthy)":                   true,
		"Exited (0) 1 minute ago":                  true,
		"Restarting (1) 2 seconds ago":             false,
		"Up Less than a second (health: starting)": false,
		"Exited (1) 1 minute ago":                  false,
	} {
		nodes := enginetest.Nodes("healthy", "healthy", "healthy")
		for i := range nodes {
			nodes[i].State, _, _ = strings.Cut(strings.ToLower(status), " ")
			if nodes[i].State == "up" {
				nodes[i].State = container.StateRunning
			}
			nodes[i].Status = status
			nodes[i].Labels[topology.LabelSeries] = "4.0"
		}
		found, err := Look(t.Context(), &enginetest.Fake{Volumes: 3, Containers: nodes}, three(t), Last{})
		require.NoError(t, err)
		_, known := found.View.Nodes[0].Version.Get()
		assert.Equal(t, counts, known, status)
	}
}

func TestEmptyNodesDoNotWinOverTheOnlyCopy(t *testing.T) {
	nodes := enginetest.Nodes("", "", "")[:1]
	nodes[0].State, nodes[0].Status = container.StateExited, "Exited (0) 1 minute ago"
	docker := &enginetest.Fake{Volumes: 1, Containers: nodes}
	found, err := Look(t.Context(), docker, three(t), Last{})
	require.NoError(t, err)
	_, err = found.Order(three(t))
	assert.ErrorContains(t, err, "rabbit1")
}

func TestTheClustersOwnWordCounts(t *testing.T) {
	view := plan.View{ClusterID: "id", QueuesKnown: true, LostKnown: true}
	for _, name := range []plan.NodeName{"rabbit@rabbit1", "rabbit@rabbit2", "rabbit@rabbit3"} {
		view.Nodes = append(view.Nodes, plan.Node{
			Name: name, State: plan.Serving, Member: plan.Known(true), ClusterID: plan.Known("id"),
			Data: plan.Known(true),
		})
	}
	view.Nodes[2].State = plan.AppStopped
	text, err := json.Marshal(view)
	require.NoError(t, err)
	docker := &enginetest.Fake{
		Volumes: 3, Containers: enginetest.Nodes("healthy", "healthy", "healthy"),
		Exec: &enginetest.ExecResult{Output: enginetest.Output(string(text))},
	}
	assert.Equal(t, [][]string{{"rabbit3"}, {"rabbit1"}, {"rabbit2"}}, orderOf(t, docker, three(t)),
		"its container is healthy, and RabbitMQ does not run in it")
	require.NotEmpty(t, docker.Execs)
	assert.Equal(t, "rabbitmq", docker.Execs[0].User)
}

func TestMembershipsGetAnotherGenerationWhenTheirNodeWasDownOrTheyAreLost(t *testing.T) {
	cluster := three(t)
	node := cluster.Nodes[0]
	membership := cluster.MembershipContainerName(node)
	found := &Found{
		View:       plan.View{Nodes: []plan.Node{{Name: "rabbit@rabbit1", State: plan.Serving}}},
		Containers: map[Place]Container{{"", membership}: {ID: "id", Generation: "4"}},
		Last:       Last{Known: true},
	}
	assert.Equal(t, "4", found.MembershipGeneration(cluster, node))
	found.View.Nodes[0].State = plan.Down
	assert.Equal(t, "5", found.MembershipGeneration(cluster, node))
	found.View.Nodes[0].State = plan.Serving
	found.Containers[Place{"", membership}] = Container{ID: "id", Generation: "4", Lost: true}
	assert.Equal(t, "5", found.MembershipGeneration(cluster, node))
	assert.Equal(t, "1", found.MembershipGeneration(cluster, cluster.Nodes[1]), "there is none yet")
}

func TestContainersGetAnotherGenerationWhenTheyAreStopped(t *testing.T) {
	cluster := three(t)
	for status, want := range map[string]string{
		container.StateRunning + " Up 5 minutes (healthy)":          "7",
		container.StateRunning + " Up 5 minutes (unhealthy)":        "7", // a node that is busy
		container.StateRestarting + " Restarting (1) 5 seconds ago": "7",
		container.StateExited + " Exited (0) 1 minute ago":          "8",
		container.StateCreated + " Created":                         "8",
	} {
		nodes := enginetest.Nodes("healthy")
		nodes[0].State, nodes[0].Status, _ = strings.Cut(status, " ")
		nodes[0].Labels[topology.LabelGeneration] = "7"
		found, err := Look(t.Context(), &enginetest.Fake{Volumes: 1, Containers: nodes}, cluster, Last{})
		require.NoError(t, err)
		assert.Equal(t, want, found.Generation("", "warren-test-rabbit1"), status)
	}
}
