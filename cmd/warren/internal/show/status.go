package show

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"warren/agent/plan"
	"warren/internal/terminal"
	"warren/operate/cluster"
	"warren/operate/health"
	"warren/topology"
)

const (
	// fewQueues are listed whatever is wrong with them; of more, only those with something wrong.
	fewQueues = 10
	// shownQueues bounds how many are listed, and shownAlike how many problems of a kind, unless all are asked
	// for.
	shownQueues, shownAlike = 20, 5
)

// Status shows a status to people, with all its queues or only those that matter.
func Status(out io.Writer, status health.Status, all bool) error {
	problems := status.Problems()
	table := &table{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
	table.nodes(status)
	table.queues(status.Queues, problems, all)
	if status.Spread != nil {
		table.row()
		table.row("BALANCED TO", "SESSIONS BEFORE", fmt.Sprintf("OF %d NEW CONNECTIONS", status.Spread.Opened))
		for _, node := range status.Spread.Nodes {
			table.row(node.Node, node.Before, node.Landed)
		}
	}
	table.row()
	if err := table.Flush(); err != nil {
		return err
	}
	var text strings.Builder
	if len(status.Helpers) > 0 {
		fmt.Fprintf(&text, "Helpers: %d of %d at work.\n", working(status.Helpers), len(status.Helpers))
	}
	writeProblems(&text, problems, all)
	_, err := io.WriteString(out, text.String())
	return err
}

func working(helpers []health.HelperStatus) int {
	n := 0
	for _, helper := range helpers {
		if helper.OK() {
			n++
		}
	}
	return n
}

// writeProblems writes a line for each problem, but not for more than some of a kind.
func writeProblems(text *strings.Builder, problems []health.Problem, all bool) {
	if len(problems) == 0 {
		text.WriteString("Nothing is wrong.\n")
		return
	}
	written := map[health.Kind]int{}
	left := map[health.Kind]int{}
	line := func(severity health.Severity, what string) {
		fmt.Fprintf(text, "%-8s %s\n", strings.ToUpper(string(severity)), terminal.Escape(what))
	}
	last := map[health.Kind]int{} // where the last problem of a kind is, which says how many were left out
	for i, problem := range problems {
		last[problem.Kind] = i
	}
	for i, problem := range problems {
		if all || written[problem.Kind] < shownAlike {
			written[problem.Kind]++
			line(problem.Severity, problem.String())
		} else {
			left[problem.Kind]++
		}
		if n := left[problem.Kind]; n > 0 && last[problem.Kind] == i {
			line(problem.Severity, fmt.Sprintf("and %d more of this kind (%s)", n, problem.Kind))
		}
	}
	text.WriteString("\n`warren doctor` says what this means and what to do.\n")
}

// table writes rows of cells, in which nothing harms a terminal.
type table struct{ *tabwriter.Writer }

func (t *table) row(cells ...any) {
	words := make([]string, len(cells))
	for i, cell := range cells {
		words[i] = terminal.Escape(fmt.Sprint(cell))
	}
	fmt.Fprintln(t, strings.Join(words, "\t"))
}

func (t *table) nodes(status health.Status) {
	t.row("NODE", "TYPE", "STATE", "VERSION", "UPTIME", "MEMORY", "DISK FREE", "CONNECTIONS", "LEADERS",
		"REPLICAS", "BALANCED")
	for _, node := range status.Nodes {
		balanced := balanced(status.LoadBalancer, node.Name)
		if !node.Answers() {
			t.row(node.Name, node.Type, nodeState(node), "-", "-", "-", "-", "-", "-", "-", balanced)
			continue
		}
		uptime, memory, disk := resources(node)
		t.row(node.Name, node.ActualType, nodeState(node), node.Version, uptime, memory, disk,
			node.Connections, node.Leaders, node.Replicas, balanced)
	}
}

// queues counts the queues by their types, and lists those that matter.
func (t *table) queues(queues []cluster.Queue, problems []health.Problem, all bool) {
	if len(queues) == 0 {
		return
	}
	failing, ailing := map[plan.QueueID]bool{}, map[plan.QueueID]bool{}
	for _, problem := range problems {
		failing[problem.Queue] = failing[problem.Queue] || problem.Severity == health.Failure
		// That a queue is of a classic type is no news about that queue.
		ailing[problem.Queue] = ailing[problem.Queue] || problem.Kind != health.NotReplicated
	}
	var types []string
	count, healthy, messages, consumers := map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	var listed []cluster.Queue
	for _, queue := range queues {
		if !slices.Contains(types, queue.Type) {
			types = append(types, queue.Type)
		}
		count[queue.Type]++
		messages[queue.Type] += queue.Messages
		consumers[queue.Type] += queue.Consumers
		if !failing[queue.ID()] {
			healthy[queue.Type]++
		}
		if all || len(queues) <= fewQueues || ailing[queue.ID()] {
			listed = append(listed, queue)
		}
	}
	slices.Sort(types)
	t.row()
	t.row("QUEUES", "COUNT", "HEALTHY", "MESSAGES", "CONSUMERS")
	for _, kind := range types {
		t.row(kind, count[kind], healthy[kind], messages[kind], known(consumers[kind]))
	}
	t.list(listed, all)
}

func (t *table) list(queues []cluster.Queue, all bool) {
	if len(queues) == 0 {
		return
	}
	more := 0
	if !all && len(queues) > shownQueues {
		queues, more = queues[:shownQueues], len(queues)-shownQueues
	}
	t.row()
	t.row("QUEUE", "TYPE", "STATE", "LEADER", "ONLINE", "MESSAGES", "CONSUMERS")
	for _, queue := range queues {
		name := queue.String()
		if !all {
			name = short(name)
		}
		t.row(name, queue.Type, dash(queue.State), dash(topology.HostOfNode(queue.Leader)),
			fmt.Sprintf("%d of %d", len(queue.Online), len(queue.Members)), queue.Messages,
			known(queue.Consumers))
	}
	if more > 0 {
		t.row(fmt.Sprintf("and %d more; --queues lists all", more))
	}
}

// nameWidth is how many characters of a queue's name a table shows that is not to list everything.
const nameWidth = 64

func short(name string) string {
	if runes := []rune(name); len(runes) > nameWidth {
		return string(runes[:nameWidth-1]) + "…"
	}
	return name
}

// known is a number, or a dash if it is negative because it is not known.
func known(n int) string {
	if n < 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

// resources are a node's uptime, memory and free disk. A node that has just started has not measured them
// yet.
func resources(node health.NodeStatus) (uptime, memory, disk string) {
	if node.Uptime == 0 {
		return "-", "-", "-"
	}
	return node.Uptime.Round(time.Second).String(),
		fmt.Sprintf("%v of %v", health.Bytes(node.MemoryUsed), health.Bytes(node.MemoryLimit)),
		fmt.Sprint(health.Bytes(node.DiskFree))
}

// nodeState is a word for what a node does.
func nodeState(node health.NodeStatus) string {
	switch {
	case node.State != "running":
		return node.State
	case node.Drained:
		return "drained"
	case node.Answers() && (node.MemoryAlarm || node.DiskAlarm):
		return "alarm"
	case node.Answers():
		return "running"
	case node.Refuses:
		return "refuses"
	case node.AMQP:
		return "no answer"
	case node.Runtime:
		return "app down"
	default:
		return "starting"
	}
}

// balanced says what the load balancer's proxies think of a node, in the order of its statistics: AMQP,
// management.
func balanced(balancer health.LoadBalancerStatus, node string) string {
	var states []string
	for _, server := range balancer.Servers {
		if server.Name == node {
			states = append(states, server.Status)
		}
	}
	return dash(strings.Join(slices.Compact(states), ", "))
}

// dash stands for what is not known.
func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
