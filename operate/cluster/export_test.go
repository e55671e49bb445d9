package cluster

// ManyQueues is from how many quorum queues on their replicas are asked for all at once.
var ManyQueues = &manyQueues
