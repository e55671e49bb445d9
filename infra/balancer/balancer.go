// Package balancer holds the scripts that run inside the load balancer's containers: the entry point of HAProxy, and that of the container that
// hands HAProxy its configuration. They need a POSIX shell, cmp and haproxy.
package balancer

import _ "embed"

// Paths in the containers.
const (
	// Volume is where both containers have the volume over which they speak.
	Volume = "/var/lib/warren"
	// Configuration is where Offer expects haproxy.cfg.
	Configuration = "/etc/warren/haproxy.cfg"
	// TakenFile exists in Offer's container once HAProxy runs with that.
	TakenFile = "/run/warren/taken"
	// RefusedFile exists there if HAProxy does not accept it. The container's log says why.
	RefusedFile = "/run/warren/refused"
)

var (
	// Serve is the script that runs HAProxy and has it take over what is on offer in the volume.
	//go:embed serve-haproxy.sh
	Serve string
	// Offer is the script that offers a configuration and tells what became of it.
	//go:embed offer-haproxy.sh
	Offer string
)
