package render

import _ "embed"

// PromptElection is the source of the Erlang module at PromptElectionPath. It lets the followers of a Raft
// group call an election as soon as their leader's node is gone. A node compiles it at boot for the Erlang
// version that it runs, if ErlangArgs says so.
//
//go:embed erlang/prompt_election.erl
var PromptElection string

// NodePulse is the source of the Erlang module at NodePulsePath. It tells the node's agent several times a
// second how the node stands, at AgentPort by UDP. A node compiles it at boot, as PromptElection.
//
//go:embed erlang/node_pulse.erl
var NodePulse string
