package node_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/node"
)

// Columns of list_queues: name, type, pid, members, online, messages, durable, arguments, policy.
const (
	ofThree = "orders\tquorum\t<rabbit@rabbit4.1.2.0>\t[rabbit@rabbit3, rabbit@rabbit4, rabbit@rabbit5]\t[rabbit@rabbit3, rabbit@rabbit4, rabbit@rabbit5]\t7\ttrue\t[{\"x-queue-type\",\"quorum\"}]\t#{}"
	ofFive  = "wide\tquorum\t<rabbit@rabbit1.1.2.0>\t[rabbit@rabbit1, rabbit@rabbit2, rabbit@rabbit3]\t[rabbit@rabbit1, rabbit@rabbit2, rabbit@rabbit3]\t0\ttrue\t[{\"x-queue-type\",\"quorum\"},{\"x-quorum-initial-group-size\",5}]\t#{}"
	ofOne   = "narrow\tquorum\t<rabbit@rabbit5.1.2.0>\t[rabbit@rabbit5]\t[rabbit@rabbit5]\t0\ttrue\t[{\"x-quorum-initial-group-size\",1}]\t#{}"
	policy  = "told\tquorum\t<rabbit@rabbit1.1.2.0>\t[rabbit@rabbit1, rabbit@rabbit2, rabbit@rabbit3]\t[rabbit@rabbit1, rabbit@rabbit2, rabbit@rabbit3]\t0\ttrue\t[]\t[{<<\"target-group-size\">>, 4}]"
	stream  = "log\tstream\t\t[rabbit@rabbit1, rabbit@rabbit2]\t[rabbit@rabbit1, rabbit@rabbit2]\t0\ttrue\t[{\"x-initial-cluster-size\",3}]\t#{}"
	classic = "alone\tclassic\t<rabbit@rabbit4.1795412131.1524.0>\t[rabbit@rabbit4]\t\t3\ttrue\t[]\t#{}"
	empty   = "idle\tclassic\t<rabbit@rabbit4.1795412131.1524.0>\t[rabbit@rabbit4]\t\t0\ttrue\t[]\t#{}"
)

// form runs commands with the functions of the form script, on a cluster of five nodes of which the first are
// the stack's. Only some of them run.
func form(t *testing.T, stack, running string, queues []string, commands string) (output string, status int) {
	t.Helper()
	functions, found := strings.CutSuffix(node.Form, "\nmain \"$@\"\n")
	require.True(t, found)
	cmd := exec.Command("bash", "-c", functions+`
vhosts() { echo /; }
identity() { version=${RABBITMQ_VERSION:-4.3.6}; }
ctl() {
  [[ $2 == list_queues ]] || return
  [[ $version == 4.* || $* != *effective_policy_definition* ]] || { echo "Info key(s) effective_policy_definition are not supported"; return 1; }
  printf '%s' "$QUEUES"
}
add_replicas() { local vhost type name; while read -r vhost type name; do echo "$1 gets $type $name"; done; }
all_grown() { true; }
members="rabbit@rabbit1 rabbit@rabbit2 rabbit@rabbit3 rabbit@rabbit4 rabbit@rabbit5" seed=rabbit@rabbit1
read -r -a nodes <<<"$STACK"
running=$RUNNING
find_leavers
read_queues
`+commands)
	cmd.Env = append(cmd.Environ(), "STACK="+names(stack), "RUNNING="+names(running), "QUEUES="+strings.Join(queues, "\n")+"\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		require.ErrorAs(t, err, new(*exec.ExitError))
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// names are the Erlang names of nodes with these numbers.
func names(numbers string) string {
	var names []string
	for _, n := range strings.Fields(numbers) {
		names = append(names, "rabbit@rabbit"+n)
	}
	return strings.Join(names, " ")
}

func TestWhoMayLeave(t *testing.T) {
	for _, tc := range []struct {
		name           string
		stack, running string
		queues         []string
		refused        string
	}{
		{"two that run", "1 2 3", "1 2 3 4 5", []string{ofThree, ofFive, ofOne, stream, empty}, ""},
		{"two that are dead, whom no queue needs", "1 2 3", "1 2 3", []string{ofFive}, ""},
		{"two that are dead, with most of a queue", "1 2 3", "1 2 3",
			[]string{strings.Replace(ofThree, "\t[rabbit@rabbit3, rabbit@rabbit4, rabbit@rabbit5]\t7", "\t[rabbit@rabbit3]\t7", 1)}, "quorum orders in virtual host /"},
		{"one with the messages of a classic queue", "1 2 3", "1 2 3 4 5", []string{classic}, "classic queue alone in virtual host / lives on rabbit@rabbit4 alone and has 3 messages"},
		{"a dead one with a classic queue", "1 2 3", "1 2 3 5", []string{classic}, "which is down, so that nobody knows what is in it"},
		{"with most members down", "1 2 3", "1 2", nil, "only 2 of the 5 members run"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			output, status := form(t, tc.stack, tc.running, tc.queues, "refuse_losses")
			if tc.refused == "" {
				assert.Zerof(t, status, "%s", output)
				return
			}
			assert.Equal(t, node.Refusal, status, output)
			assert.Contains(t, output, "can't leave the cluster, and nothing was changed")
			assert.Contains(t, output, tc.refused)
		})
	}
}

func TestNodesThatComeBackCountForThoseThatLeave(t *testing.T) {
	_, status := form(t, "1 2 3", "1 2", nil, "assumed=${nodes[*]}; refuse_losses")
	assert.Zero(t, status, "the deployment starts rabbit3 before the others leave")
}

func TestQueuesGrow(t *testing.T) {
	output, status := form(t, "1 2 3 4 5", "1 2 3 4 5", []string{ofThree, ofFive, ofOne, policy, stream}, "grow")
	require.Zero(t, status, output)
	assert.ElementsMatch(t, []string{
		"rabbit@rabbit4 gets quorum wide", "rabbit@rabbit5 gets quorum wide",
		"rabbit@rabbit4 gets quorum told",
		"rabbit@rabbit3 gets stream log",
	}, strings.Split(strings.TrimSpace(output), "\n"), "as many as they ask for, on nodes with the fewest")

	output, status = form(t, "1 2 3", "1 2 3 4 5", []string{ofThree, ofFive, ofOne}, "grow")
	require.Zero(t, status, output)
	assert.ElementsMatch(t, []string{
		"rabbit@rabbit1 gets quorum orders", "rabbit@rabbit2 gets quorum orders", "rabbit@rabbit1 gets quorum narrow",
	}, strings.Split(strings.TrimSpace(output), "\n"), "before nodes leave")
}

func TestDeadNodesLeaveFirst(t *testing.T) {
	output, _ := form(t, "1 2 3", "1 2 3 4", nil, `echo "${leavers[*]}"`)
	assert.Equal(t, names("5 4"), strings.TrimSpace(output))
}

func TestFeatureFlagsAreEnabledOnlyIfAStableOneIsNot(t *testing.T) {
	const (
		commands = `
ctl() { if [[ $2 == list_feature_flags ]]; then printf '%s' "$FLAGS"; else echo "$*"; fi; }
FLAGS=$(printf 'khepri_db\tdisabled\texperimental\nquorum_queue\tenabled\trequired\n'"$NEWER")
disabled_flags=1
enable_feature_flags`
		newer = `track_qq_members_uids\tdisabled\tstable\n`
	)
	output, status := form(t, "1 2 3", "1 2 3", nil, "NEWER="+commands)
	assert.Zero(t, status, output)
	assert.Empty(t, output, "an experimental one stays as it is")

	output, status = form(t, "1 2 3", "1 2 3", nil, "NEWER='"+newer+"'"+commands)
	assert.Zero(t, status, output)
	assert.Contains(t, output, "enabling the feature flags track_qq_members_uids")
	assert.Contains(t, output, "rabbit@rabbit1 enable_feature_flag all")
}

// RabbitMQ 3.10 does not tell what policies say, and knows none that matters here.
func TestQueuesOfOldSeries(t *testing.T) {
	t.Setenv("RABBITMQ_VERSION", "3.10.8")
	output, status := form(t, "1 2 3", "1 2 3 4 5", []string{strings.TrimSuffix(ofFive, "\t#{}")}, `echo "$queues"`)
	require.Zero(t, status, output)
	require.Contains(t, output, "wide\trabbit@rabbit1 rabbit@rabbit2 rabbit@rabbit3\trabbit@rabbit1 rabbit@rabbit2 rabbit@rabbit3\t5\t0\ttrue")
}
