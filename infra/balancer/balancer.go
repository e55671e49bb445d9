// Package balancer holds the scripts that run inside the load balancer's containers. They need a POSIX shell,
// cmp and haproxy.
package balancer

import (
	_ "embed"

	"warren/topology"
)

// Paths in the containers.
const (
	// ServerPath is where the container of HAProxy has ServerScript.
	ServerPath = topology.UploadPath + "/serve-haproxy"
	// ConfigPath is where the container with the configuration has ConfigScript.
	ConfigPath = topology.UploadPath + "/offer-haproxy"
	// Volume is where both containers mount the volume that connects them.
	Volume = topology.LoadBalancerPath
	// Configuration is where ConfigScript expects haproxy.cfg.
	Configuration = topology.UploadPath + "/haproxy.cfg"
	// Certificate is where ConfigScript expects HAProxy's certificate, if the stack has TLS. Then it has the
	// agent as well.
	Certificate = topology.UploadPath + "/certificate.pem"
	// KeepalivedPath is where the container of keepalived has KeepalivedScript, KeepalivedConfiguration where
	// that expects keepalived.conf, and KeepalivedFile exists while keepalived runs.
	KeepalivedPath          = topology.UploadPath + "/serve-keepalived"
	KeepalivedConfiguration = topology.UploadPath + "/keepalived.conf"
	KeepalivedFile          = "/run/warren-vrrp.pid"
	// TakenFile exists in the container with the configuration once HAProxy runs with it.
	TakenFile = topology.RunPath + "/taken"
	// RefusedFile exists there if HAProxy does not accept the configuration. The container's log says why.
	RefusedFile = topology.RunPath + "/refused"
	// ProbedFile exists there once the container's health check has run. It goes when the container starts
	// again.
	ProbedFile = "/run/probed"
)

var (
	// ServerScript runs HAProxy, and reloads it when there is a new configuration in the volume.
	//
	//go:embed serve-haproxy.sh
	ServerScript string
	// ConfigScript puts a configuration into the volume and tells whether HAProxy accepts it.
	//
	//go:embed offer-haproxy.sh
	ConfigScript string
	// KeepalivedScript runs keepalived on the interface with an address.
	//
	//go:embed serve-keepalived.sh
	KeepalivedScript string
	// CheckScript asks HAProxy whether its host may have the virtual address.
	//
	//go:embed check-haproxy.sh
	CheckScript string
)
