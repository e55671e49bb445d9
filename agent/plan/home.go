package plan

// Home is the ID of the cluster that the stack's nodes belong in: the one that most running nodes are in; among equals, the
// one with the first of them. It is empty if no node runs as a member of a known cluster.
func Home(nodes []Node) string {
	size := map[string]int{}
	home := ""
	for _, n := range nodes {
		if id, known := n.ClusterID.Get(); known && id != "" && n.Running() {
			size[id]++
		}
	}
	for _, n := range nodes {
		if id, _ := n.ClusterID.Get(); n.Running() && size[id] > size[home] {
			home = id
		}
	}
	return home
}
