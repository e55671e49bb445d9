package survey

import (
	"fmt"
	"slices"
	"strings"

	"warren/agent/plan"
	"warren/topology"
)

// thing is a container, volume or network of the stack.
type thing struct {
	what   string
	labels map[string]string
}

// unrecorded stands for the owner of what has none on record, in a stack whose state made nothing yet.
const unrecorded = "of an older Warren, or unknown"

// ownerOf is the owner of a thing that has another one than the stack's own; empty if it is the stack's own.
// What was made before owners were recorded belongs to the state that was deployed before.
func (l Last) ownerOf(t thing, owner string) string {
	switch made := t.labels[topology.LabelOwner]; {
	case made == owner, made == "" && (l.Deployed || !l.Known):
		return ""
	case made == "":
		return unrecorded
	default:
		return made
	}
}

// owned returns the view with who made what there is of each node, as seen from the state that owner
// identifies, and what belongs to no node and was made from another state.
func (f *Found) owned(owner string) (view plan.View, foreign []string) {
	view = f.View
	view.Nodes = slices.Clone(view.Nodes)
	for i := range view.Nodes {
		view.Nodes[i].Owner = plan.Known(owner)
	}
	if owner == "" {
		return view, nil
	}
	for _, t := range f.things {
		other := f.Last.ownerOf(t, owner)
		if other == "" {
			continue
		}
		i := slices.IndexFunc(view.Nodes, func(n plan.Node) bool {
			return hostOf(n.Name) == t.labels[topology.LabelNode]
		})
		if i >= 0 {
			view.Nodes[i].Owner = plan.Known(other)
		} else {
			foreign = append(foreign, t.what)
		}
	}
	return view, foreign
}

// foreignProblem says that there are things which another state made.
func foreignProblem(things []string) string {
	return fmt.Sprintf("the engine has the %s, which another state of this stack made: another clone, another "+
		"backend, or a state that was lost. Nothing of it is touched. Deploy from there, import its state, "+
		"remove it by hand if nobody needs it, or choose another name for this stack",
		strings.Join(things, ", the "))
}
