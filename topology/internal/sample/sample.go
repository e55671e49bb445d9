// Package sample has what the tests of several packages render files for.
package sample

import (
	"fmt"

	"warren/topology"
)

// Secrets are no stack's; their characters are those that need quoting somewhere.
var Secrets = topology.Secrets{
	AdminPassword: `pa'ss"w:ö$rd\`, StatsPassword: `st'at"s $x\`, ErlangCookie: "COOKIE",
}

// Hosts are hosts h1, h2 and so on in zones.
func Hosts(zones ...string) []topology.Host {
	hosts := make([]topology.Host, len(zones))
	for i, zone := range zones {
		hosts[i] = topology.Host{
			Name: fmt.Sprintf("h%d", i+1), Engine: fmt.Sprintf("ssh://root@192.0.2.%d", i+1),
			Address: fmt.Sprintf("192.0.2.%d", i+1), Zone: zone,
		}
	}
	return hosts
}
