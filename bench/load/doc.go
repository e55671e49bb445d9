// Package load measures how many messages a cluster takes, with Warren's clients and with the bare library.
package load
