// Package render writes the files of a cluster: rabbitmq.conf, advanced.config, enabled_plugins, the
// definitions, the arguments of the Erlang virtual machine, and haproxy.cfg. They fit the cluster's series.
package render
