#!/bin/bash
# Runs keepalived on the interface that has this host's address, which is the only argument.
set -euo pipefail

readonly given=/etc/warren/keepalived.conf # with @INTERFACE@ for the interface
readonly conf=/run/keepalived.conf

interface=$(ip -o address show to "$1" | awk '{print $2; exit}')
if [[ -z $interface ]]; then
	echo "no interface of this host has the address $1: correct warren:hosts" >&2
	exit 1
fi
sed "s/@INTERFACE@/$interface/" "$given" >"$conf"
rm -f /run/warren-*.pid # of the run before, in the same container
exec keepalived --dont-fork --log-console --vrrp --use-file="$conf" \
	--pid=/run/warren-keepalived.pid --vrrp_pid=/run/warren-vrrp.pid
