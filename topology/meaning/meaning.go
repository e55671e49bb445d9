// Package meaning says what a problem does to a cluster and its clients. The doctor and the alerts say it in
// the same words.
package meaning

// Of nodes.
const (
	NodeDown = "The node does not run. The others serve as long as they are a majority; fewer of them " +
		"may fail than before."
	NodesSeparated = "The nodes run and can't talk to each other: the network between them is cut, or " +
		"they do not have the same cookie. A majority goes on; a minority confirms nothing, and joins again by " +
		"itself when the network is whole."
	MemoryAlarm = "Publishers are blocked in the whole cluster until the node needs less memory, so that " +
		"consumers can drain queues."
	DiskAlarm = "Publishers are blocked in the whole cluster until there is more disk free. A node " +
		"without disk would stop, and might lose data."
)

// Of queues.
const (
	QueueNoLeader = "Fewer than a majority of the queue's replicas take part. Nothing can be published " +
		"to it or consumed from it, and nothing confirmed is lost, until enough of them are back."
	TooFewReplicas = "The queue survives the failure of fewer nodes than it was declared for. It was " +
		"declared while nodes were missing, or a node has lost its replica."
	ReplicaOffline = "The queue works as long as a majority of its replicas takes part. It survives the " +
		"failure of fewer nodes than it should."
	QueueDown = "A classic queue can be used only while its node runs. What it holds is on that node's " +
		"disk, and nowhere else."
	NobodyConsumes   = "Its consumers have left, or never came. Messages stay in the queue until some come back."
	LeadersNotSpread = "The leader of a queue does most of its work. After a restart of nodes, leaders gather " +
		"on those that kept running."
)

// Of what is around the nodes.
const (
	LoadBalancerDown = "Clients that know only the load balancer are cut off; those that know the nodes are not."
	ServerDown       = "Load balancer and cluster disagree: the node serves, and gets no clients. Its check " +
		"fails, its name leads to an old address, or the network between the two is cut. The load " +
		"balancer may also be about to notice."
	CertificateFails = "When a certificate ends, or does not fit, clients refuse to connect; those that are " +
		"connected stay. A deployment hands every node and load balancer its certificate, and renews them in " +
		"good time. It restarts no node and closes no connection. A certificate of your own must first be " +
		"replaced in the configuration."
	HelperGone = "Clients are not affected now. But nobody looks after the cluster for the next " +
		"deployment: a node that has lost its replicas does not get them back, and a node that is stopped may " +
		"take the missing helpers for the end of the whole stack, and stop without draining. Restarting the " +
		"engine removes helpers, for example."
	HelperUnhealthy = "What the helper is to bring about is not there, or has been lost: its log says what. " +
		"The next deployment repairs it, or says why it can't."
)
