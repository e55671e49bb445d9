package render

import "warren/topology"

// What the tests look at, which use package config and so can't be in this package.
var (
	Detections          = detections
	DetectionOf         = detectionOf
	ErlangFloat         = erlangFloat
	HAProxyQuote        = haproxyQuote
	PasswordHash        = passwordHash
	StartPromptElection = startPromptElection
)

// The form of the rendered definitions.
type (
	DefinitionsFile      = definitions
	PermissionDefinition = permissionDefinition
	VHostDefinition      = vhostDefinition
)

// MinorityPattern is the pattern for the metrics of a cluster's node.
func MinorityPattern(c *topology.Cluster) string { return haproxyData{Cluster: c}.MinorityPattern() }

// ManagementCheck is the path that HAProxy asks a cluster's nodes for.
func ManagementCheck(c *topology.Cluster) string { return haproxyData{Cluster: c}.ManagementCheck() }
