package render

import "warren/topology"

// What the tests look at, which use package config and so can't be in this package.
var (
	Detections   = detections
	DetectionOf  = detectionOf
	ErlangFloat  = erlangFloat
	HAProxyQuote = haproxyQuote
	PasswordHash = passwordHash
	Start        = start
)

// The form of the rendered definitions.
type (
	DefinitionsFile      = definitions
	PermissionDefinition = permissionDefinition
	VHostDefinition      = vhostDefinition
)

// ManagementCheck is the path that HAProxy asks a cluster's nodes for.
func ManagementCheck(c *topology.Cluster) string { return haproxyData{Cluster: c}.ManagementCheck() }
