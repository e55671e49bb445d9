package stackconfig

import (
	"cmp"
	"maps"

	"warren/topology"
)

var logFormats = []topology.LogFormat{topology.LogText, topology.LogJSON}

// newLogs fills in the defaults.
func newLogs(c Config) topology.Logs {
	logs := topology.Logs{
		Format: cmp.Or(c.LogFormat, topology.LogText), Driver: cmp.Or(c.LogDriver, topology.DefaultLogDriver),
		Options: maps.Clone(c.LogOptions),
	}
	if logs.Driver == topology.DefaultLogDriver && len(logs.Options) == 0 {
		logs.Options = topology.DefaultLogOptions()
	}
	return logs
}

// noLogs is the driver that keeps nothing.
const noLogs = "none"

func validateLogs(problems *problemList, l topology.Logs) {
	validateChoice(problems, "logFormat", l.Format, logFormats)
	if l.Driver == noLogs {
		problems.add("logDriver", "is none: nobody could say why a node does not start",
			"use a driver that keeps logs, such as "+topology.DefaultLogDriver+" or local")
	}
}
