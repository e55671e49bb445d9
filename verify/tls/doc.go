// Package tls has the tests of a stack whose clients must use TLS: what it refuses, who can connect, and that
// its certificates are renewed while messages flow.
package tls
