package survey

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/agent/plan"
	"warren/internal/wait"
	"warren/topology"
)

// Last is what the stack's own state says of its last deployment.
type Last struct {
	// Known tells that the state could tell. It can't in a program with other outputs than Warren's.
	Known bool
	// Deployed tells that there was a deployment since the stack was created or destroyed.
	Deployed bool
	// Network is the name that the cluster's network had, in which the stack's name is.
	Network string
	// Owner is what the state identifies itself by; empty before the first deployment, and if that was made
	// before states did so.
	Owner string
	// Nodes are the names of the nodes, Places the names of their hosts.
	Nodes  []string
	Places map[string]string
	// Hosts are the hosts that the stack was spread over.
	Hosts []topology.Host
}

// LastOf reads the outputs of the last deployment of the stack that ctx deploys.
func LastOf(ctx *pulumi.Context) (Last, error) {
	var result struct {
		Outputs map[string]any `pulumi:"outputs"`
	}
	arguments := map[string]any{"name": fmt.Sprintf("%s/%s/%s", ctx.Organization(), ctx.Project(), ctx.Stack())}
	// The outputs have secrets among them. None of those is used.
	err := whileHalfWritten(ctx.Context(), func() error {
		_, err := ctx.InvokePackageRaw("pulumi:pulumi:readStackOutputs", arguments, &result, "")
		return err
	})
	if err != nil {
		return Last{}, fmt.Errorf("read what the stack's last deployment left: %w", err)
	}
	return lastIn(result.Outputs), nil
}

// stateWrite bounds the wait for a state that Pulumi is writing: many times what that takes on a slow disk.
const stateWrite = 30 * time.Second

// whileHalfWritten repeats a read of the stack's state while it finds half of one. Pulumi saves the state
// with every resource, and a state in a local folder is not replaced in one step.
func whileHalfWritten(ctx context.Context, read func() error) error {
	var err error
	waited := wait.Within(ctx, stateWrite, 50*time.Millisecond, "Pulumi to save the state",
		func(context.Context) error {
			if err = read(); err != nil && strings.Contains(err.Error(), "failed to load checkpoint") {
				return err
			}
			return nil
		})
	if waited != nil {
		return waited
	}
	return err
}

func lastIn(outputs map[string]any) Last {
	text := func(value any) string {
		s, _ := value.(string)
		return s
	}
	last := Last{Network: text(outputs["network"]), Owner: text(outputs["owner"])}
	nodes, _ := outputs["nodes"].([]any)
	for _, n := range nodes {
		if node, ok := n.(map[string]any); ok && node["nodeName"] != nil {
			last.Nodes = append(last.Nodes, text(node["name"]))
			last.place(text(node["name"]), text(node["host"]))
		}
	}
	last.Hosts = hostsIn(outputs["hosts"])
	last.Deployed = last.Network != "" && len(last.Nodes) > 0
	last.Known = last.Deployed || len(outputs) == 0
	return last
}

// place notes the host of a node.
func (l *Last) place(node, host string) {
	if host == "" {
		return
	}
	if l.Places == nil {
		l.Places = map[string]string{}
	}
	l.Places[node] = host
}

// hostsIn reads the output with the hosts. One that is none of Warren's names none.
func hostsIn(output any) []topology.Host {
	text, err := json.Marshal(output)
	if err != nil {
		return nil
	}
	var hosts []topology.Host
	if json.Unmarshal(text, &hosts) != nil {
		return nil
	}
	return hosts
}

// Gone are the hosts of the last deployment that a cluster has no more.
func (l Last) Gone(cluster *topology.Cluster) []topology.Host {
	if !l.Deployed {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(l.Hosts), func(h topology.Host) bool {
		return slices.Contains(cluster.HostNames(), h.Name)
	})
}

// deployed tells whether a node was part of the stack.
func (l Last) deployed(node string) plan.Maybe[bool] {
	if !l.Known {
		return plan.Maybe[bool]{}
	}
	return plan.Known(slices.Contains(l.Nodes, node))
}

// renamed says that the stack has another name than it was deployed with; empty if it has not. All that it
// made carries the old name, and Pulumi replaces what gets another: it would delete the volumes.
func (l Last) renamed(cluster *topology.Cluster) string {
	if !l.Deployed || l.Network == cluster.NetworkName() {
		return ""
	}
	was := topology.StackOfNetwork(l.Network)
	return fmt.Sprintf("this stack was deployed under the name %s, which is in the names of its containers "+
		"and volumes. As %s it would get new ones, and the old ones would be deleted with all messages: give it "+
		"its name back, by `pulumi stack rename %[1]s`, or deploy a new stack beside it and move the messages", was,
		cluster.Stack)
}
