package stackconfig

import (
	"fmt"

	"warren/topology"
)

// minConnectionMax leaves room for Warren's own clients: a producer that looks for its queue's leader
// tries a connection to every node, and a consumer and the command line come on top.
const minConnectionMax = 16

func validateConnections(problems *problemList, c *topology.Cluster) {
	most := topology.MostConnections(topology.MaxOpenFiles)
	wrong := ""
	switch {
	case c.ConnectionMax < minConnectionMax:
		wrong = "too few for Warren's own clients"
	case c.ConnectionMax > most:
		wrong = fmt.Sprintf("for which a node needs more open files than the kernel allows, %d",
			topology.MaxOpenFiles)
	default:
		return
	}
	problems.add("connectionMax", fmt.Sprintf("is %d, %s", c.ConnectionMax, wrong),
		fmt.Sprintf("write how many connections each node accepts, from %d to %d", minConnectionMax, most))
}
