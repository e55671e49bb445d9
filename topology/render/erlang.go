package render

import _ "embed"

// PromptElection is the source of the Erlang module at PromptElectionPath. It lets the followers of a Raft
// group call an election as soon as their leader's node is gone. A node compiles it at boot for the Erlang
// version that it runs, if ErlangArgs says so.
//
//go:embed erlang/prompt_election.erl
var PromptElection string
