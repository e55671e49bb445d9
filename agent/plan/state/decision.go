package state

// Decision is what to do now.
type Decision struct {
	// Actions are to be done one after the other. They are none if something is refused in a deployment.
	Actions []Action `json:"actions,omitempty"`
	// Waiting is what is waited for. It comes by itself, or by what another loop does; when it does not, these
	// are the reasons to show.
	Waiting []Condition `json:"waiting,omitempty"`
	// Refusals are what is not done because it would break a rule. They need the operator.
	Refusals []Refusal `json:"refusals,omitempty"`
	// Notices are what is wrong and holds up nothing, such as a queue that is half deleted.
	Notices []Refusal `json:"notices,omitempty"`
}

// Done tells whether all is as desired.
func (d Decision) Done() bool {
	return len(d.Actions) == 0 && len(d.Waiting) == 0 && len(d.Refusals) == 0
}
