// Package monitoring says how a stack is watched: what Prometheus reads, which alerts there are, and what
// each means. It is pure. The Pulumi program gives its files to the stack's own Prometheus, and `warren
// monitoring export` writes them for another one.
package monitoring
