package state

import "cmp"

// Home is the ID of the cluster that the stack's nodes belong in, if they are in more than one: rather one
// with other members than that of a node which is alone; then the one that most running nodes are in; then
// one with queues; among equals, the one with the first node. It is empty if no node runs as a member of a
// known cluster.
func Home(nodes []Node) string {
	type standing struct{ peopled, size, queues int }
	clusters := map[string]standing{}
	id := func(n Node) string {
		if !n.Running() {
			return ""
		}
		return n.ClusterID.Or("")
	}
	for _, n := range nodes {
		s := clusters[id(n)]
		s.size++
		if n.Alone.Is(false) {
			s.peopled = 1
		}
		if n.OwnQueues.Or(0) > 0 {
			s.queues = 1
		}
		clusters[id(n)] = s
	}
	home := ""
	for _, n := range nodes {
		a, b := clusters[id(n)], clusters[home]
		better := cmp.Or(cmp.Compare(a.peopled, b.peopled), cmp.Compare(a.size, b.size),
			cmp.Compare(a.queues, b.queues)) > 0
		if id(n) != "" && (home == "" || better) {
			home = id(n)
		}
	}
	return home
}
