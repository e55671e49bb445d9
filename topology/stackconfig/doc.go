// Package stackconfig reads what an operator may say about a stack's cluster, and makes a topology.Cluster of
// it. It reports every mistake at once, with what is wrong and what to write instead.
package stackconfig
