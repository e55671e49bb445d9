// Package erlang has the Erlang modules that every node loads. The agent puts them in place, and a node
// compiles them at boot for the Erlang version that it runs, as render.ErlangArgs says.
package erlang

import _ "embed"

// PromptElection is the source of the module at topology.PromptElectionPath. It lets the followers of a Raft
// group call an election as soon as their leader's node is gone.
//
//go:embed prompt_election.erl
var PromptElection string

// NodePulse is the source of the module at topology.NodePulsePath. It tells the node's agent several times a
// second how the node stands, at AgentPort by UDP.
//
//go:embed node_pulse.erl
var NodePulse string
