package plan

import (
	"warren/agent/plan/state"
	"warren/topology"
)

// What the planner looks at and what it decides are values of package state. They go by these names here.
type (
	// View is [state.View].
	View = state.View
	// NodeName is [state.NodeName].
	NodeName = state.NodeName
	// NodeState is [state.NodeState].
	NodeState = state.NodeState
	// Node is [state.Node].
	Node = state.Node
	// Metadata is [state.Metadata].
	Metadata = state.Metadata
	// Store is [state.Store].
	Store = state.Store
	// Group is [state.Group].
	Group = state.Group
	// Replica is [state.Replica].
	Replica = state.Replica
	// QueueType is [state.QueueType].
	QueueType = state.QueueType
	// QueueID is [state.QueueID].
	QueueID = state.QueueID
	// Queue is [state.Queue].
	Queue = state.Queue
	// FeatureFlag is [state.FeatureFlag].
	FeatureFlag = state.FeatureFlag
	// User is [state.User].
	User = state.User
	// LostReplicas is [state.LostReplicas].
	LostReplicas = state.LostReplicas
	// Maybe is [state.Maybe].
	Maybe[T comparable] = state.Maybe[T]
	// Scope is [state.Scope].
	Scope = state.Scope
	// Desired is [state.Desired].
	Desired = state.Desired
	// DesiredNode is [state.DesiredNode].
	DesiredNode = state.DesiredNode
	// Verb is [state.Verb].
	Verb = state.Verb
	// Action is [state.Action].
	Action = state.Action
	// Condition is [state.Condition].
	Condition = state.Condition
	// Predicate is [state.Predicate].
	Predicate = state.Predicate
	// Rule is [state.Rule].
	Rule = state.Rule
	// Refusal is [state.Refusal].
	Refusal = state.Refusal
	// RefusalKind is [state.RefusalKind].
	RefusalKind = state.RefusalKind
	// Decision is [state.Decision].
	Decision = state.Decision
)

// The states of a node.
const (
	StateUnknown = state.StateUnknown
	Serving      = state.Serving
	Maintenance  = state.Maintenance
	Starting     = state.Starting
	AppStopped   = state.AppStopped
	Down         = state.Down
)

// The metadata stores. Mnesia is gone since 4.3.
const (
	Khepri = state.Khepri
	Mnesia = state.Mnesia
)

// The queue types. Of other ones nothing is known, so that they are treated as classic.
const (
	Classic = state.Classic
	Quorum  = state.Quorum
	Stream  = state.Stream
)

// The scopes. Each has a loop that looks, plans and acts.
const (
	ScopeStart      = state.ScopeStart
	ScopeStop       = state.ScopeStop
	ScopeMembership = state.ScopeMembership
	ScopeFormation  = state.ScopeFormation
	ScopeDeployment = state.ScopeDeployment
)

// The verbs. Each is one call, or one that can be repeated after it was cut off.
const (
	StartNode          = state.StartNode
	FoundCluster       = state.FoundCluster
	SetDataAside       = state.SetDataAside
	StopNode           = state.StopNode
	RestartNode        = state.RestartNode
	TransferLeadership = state.TransferLeadership
	DrainNode          = state.DrainNode
	ReviveNode         = state.ReviveNode
	StartApp           = state.StartApp
	StopApp            = state.StopApp
	ResetNode          = state.ResetNode
	ChangeType         = state.ChangeType
	RememberReplicas   = state.RememberReplicas
	AddReplica         = state.AddReplica
	RemoveReplica      = state.RemoveReplica
	ForgetNode         = state.ForgetNode
	EnableFlags        = state.EnableFlags
	DeleteUser         = state.DeleteUser
	ChangeNodes        = state.ChangeNodes
	AbandonFormation   = state.AbandonFormation
	FormCluster        = state.FormCluster
	DeleteNode         = state.DeleteNode
)

// The predicates.
const (
	Serves               = state.Serves
	Runs                 = state.Runs
	NotRunning           = state.NotRunning
	Stopped              = state.Stopped
	Drained              = state.Drained
	NotStopping          = state.NotStopping
	DataSeen             = state.DataSeen
	HasNoData            = state.HasNoData
	Listed               = state.Listed
	IsMember             = state.IsMember
	IsNoMember           = state.IsNoMember
	Leaves               = state.Leaves
	ClusterServes        = state.ClusterServes
	KeepsMajority        = state.KeepsMajority
	ClusterKeepsMajority = state.ClusterKeepsMajority
	QueueKeepsMajority   = state.QueueKeepsMajority
	QueuesKeepMajority   = state.QueuesKeepMajority
	QueueCanGrow         = state.QueueCanGrow
	NoVoter              = state.NoVoter
	NoAlarm              = state.NoAlarm
	QueueSettled         = state.QueueSettled
	ReplicaCaughtUp      = state.ReplicaCaughtUp
	ReplicaUnneeded      = state.ReplicaUnneeded
	QueueKeepsWanted     = state.QueueKeepsWanted
	QueuesKeepWanted     = state.QueuesKeepWanted
	NothingDurable       = state.NothingDurable
	NoReplicas           = state.NoReplicas
	NothingOwn           = state.NothingOwn
	OthersServe          = state.OthersServe
	DownOrOthersServe    = state.DownOrOthersServe
	DownOrKeepsMajority  = state.DownOrKeepsMajority
	NoDataElsewhere      = state.NoDataElsewhere
	FoundingAllowed      = state.FoundingAllowed
	DataOfCluster        = state.DataOfCluster
	TypeFits             = state.TypeFits
	OtherDiscServes      = state.OtherDiscServes
	ReplicasRemembered   = state.ReplicasRemembered
	ReplicaRemembered    = state.ReplicaRemembered
	NothingForgotten     = state.NothingForgotten
	OneVersion           = state.OneVersion
	SeriesFits           = state.SeriesFits
	Owned                = state.Owned
	LetGo                = state.LetGo
)

// The rules.
const (
	RuleMajority   = state.RuleMajority
	RuleReplicas   = state.RuleReplicas
	RuleDurable    = state.RuleDurable
	RuleOneAtATime = state.RuleOneAtATime
	RuleOnlyCopy   = state.RuleOnlyCopy
	RuleRemembered = state.RuleRemembered
	RuleRefusal    = state.RuleRefusal
	RuleOwner      = state.RuleOwner
)

// The kinds.
const (
	ClusterMinority      = state.ClusterMinority
	NobodyToAsk          = state.NobodyToAsk
	LastOfMnesia         = state.LastOfMnesia
	QueueMinorityLeaves  = state.QueueMinorityLeaves
	QueueMinorityRejoins = state.QueueMinorityRejoins
	HalfDeletedLeaves    = state.HalfDeletedLeaves
	DurableQueues        = state.DurableQueues
	DurableQueuesDown    = state.DurableQueuesDown
	OtherCluster         = state.OtherCluster
	OwnQueues            = state.OwnQueues
	FoundingOverData     = state.FoundingOverData
	NothingKept          = state.NothingKept
	LastDisc             = state.LastDisc
	CookieChange         = state.CookieChange
	DistributionChange   = state.DistributionChange
	ForeignStack         = state.ForeignStack
	Downgrade            = state.Downgrade
	UpgradeSkips         = state.UpgradeSkips
	FlagsDisabled        = state.FlagsDisabled
	ChangeWhileAway      = state.ChangeWhileAway
	DurableQueuesStay    = state.DurableQueuesStay
	HalfDeleted          = state.HalfDeleted
	ForeignData          = state.ForeignData
	ReplicaPostponed     = state.ReplicaPostponed
	QueueMinority        = state.QueueMinority
)

// Known is a fact that is known.
func Known[T comparable](value T) Maybe[T] { return state.Known(value) }

// Home is the ID of the cluster that the stack's nodes belong in, see [state.Home].
func Home(nodes []Node) string { return state.Home(nodes) }

// ShellQuote quotes a name for a command that is pasted into a shell, see [state.ShellQuote].
func ShellQuote(name string) string { return state.ShellQuote(name) }

// SeriesOf is the series of a version such as "4.3.6".
func SeriesOf(version string) (topology.Series, bool) { return state.SeriesOf(version) }
