package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"warren/operate/cluster"
	"warren/topology"
	"warren/verify/fault/effect"
)

// Faults inside a node leave a mark there, a file named after what must be undone, before they do anything:
// whoever comes later can tell what was done on purpose from what an operator has set.
const markDirectory = "/run/warren-fault"

// repairs undo what a mark stands for. Each may find its work done already, or half done.
var repairs = map[string]func(context.Context, *cluster.Cluster, topology.NodeOutput) error{
	markApp:    startApp,
	markMemory: restoreMemory,
	markDisk:   restoreDisk,
	markCookie: restoreCookie,
	markMember: rejoin,
}

// The marks.
const (
	markApp    = "app-stopped"
	markMemory = "memory-watermark"
	markDisk   = "disk-limit"
	markCookie = "cookie"
	markMember = "member-lost"
)

// injectMarked marks a node and runs do; healing is what the mark stands for.
func injectMarked(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, mark, what string,
	do func(context.Context) error) (Injection, error) {
	return effect.Inject(ctx, what,
		func(ctx context.Context) error {
			if err := setMark(ctx, c, node, mark); err != nil {
				return err
			}
			return do(ctx)
		},
		func(ctx context.Context) error { return repair(ctx, c, node, mark) })
}

// repair undoes what a mark stands for and removes it.
func repair(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, mark string) error {
	undo, known := repairs[mark]
	if !known {
		return fmt.Errorf("%s has a mark %s/%s, which this version knows nothing of", node.Name,
			markDirectory, mark)
	}
	if err := undo(ctx, c, node); err != nil {
		return err
	}
	_, err := c.Run(ctx, node.Container, "rm", "-f", markDirectory+"/"+mark)
	return err
}

func setMark(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput, mark string) error {
	const script = `mkdir -p "$0" && : >"$0/$1"`
	_, err := c.Run(ctx, node.Container, "bash", "-c", script, markDirectory, mark)
	return err
}

// marks returns the marks of a node whose container runs.
func marks(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) ([]string, error) {
	output, err := c.Run(ctx, node.Container, "bash", "-c", `[[ ! -d $0 ]] || ls "$0"`, markDirectory)
	if err != nil {
		return nil, fmt.Errorf("look for marks of faults in %s: %w", node.Name, err)
	}
	return strings.Fields(output), nil
}

// repairMarked undoes all that a node's marks stand for.
func repairMarked(ctx context.Context, c *cluster.Cluster, node topology.NodeOutput) error {
	found, err := marks(ctx, c, node)
	if err != nil {
		return err
	}
	var failures []error
	for _, mark := range found {
		failures = append(failures, repair(ctx, c, node, mark))
	}
	return errors.Join(failures...)
}
