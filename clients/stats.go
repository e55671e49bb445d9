package clients

// ProducerStats counts what a producer has done. Accepted is the sum of Confirmed, Returned, Nacked,
// Rejected, Unconfirmed and InFlight.
type ProducerStats struct {
	// Accepted counts messages taken into the window.
	Accepted int64 `json:"accepted"`
	// Confirmed counts messages the broker has confirmed, each once.
	Confirmed int64 `json:"confirmed"`
	// Returned, Nacked, Rejected and Unconfirmed count messages given up as ErrUnroutable, ErrNacked,
	// ErrChannelException and ErrUnconfirmed.
	Returned    int64 `json:"returned"`
	Nacked      int64 `json:"nacked"`
	Rejected    int64 `json:"rejected"`
	Unconfirmed int64 `json:"unconfirmed"`
	// InFlight is the number of messages whose outcome is not known yet.
	InFlight int `json:"inFlight"`
	// Published counts messages written to a connection, repetitions included.
	Published int64 `json:"published"`
	// Nacks counts negative confirms, those followed by another attempt included.
	Nacks int64 `json:"nacks"`
	// Reconnects counts connections made after one was lost.
	Reconnects int64 `json:"reconnects"`
	// Moves counts connections left for one to the node that WithAffinity asks for.
	Moves int64 `json:"moves"`
}

// ConsumerStats counts what a consumer has done. Delivered is the sum of Handled, Failed, DeadLettered,
// Duplicates and what is being handled; of a stream Failed counts each time that a handler has failed, with
// one delivery.
type ConsumerStats struct {
	// Delivered counts messages taken on, repetitions included.
	Delivered int64 `json:"delivered"`
	// Handled counts messages whose handler succeeded, Failed those that went back to the queue, and
	// DeadLettered those that were dead-lettered at once.
	Handled      int64 `json:"handled"`
	Failed       int64 `json:"failed"`
	DeadLettered int64 `json:"deadLettered"`
	// Duplicates counts messages acknowledged without being handled because they had been before.
	Duplicates int64 `json:"duplicates"`
	// Redelivered counts messages that the broker marked as delivered before.
	Redelivered int64 `json:"redelivered"`
	// Untold counts messages whose acknowledgement or refusal could not be sent since the connection was
	// lost.
	Untold int64 `json:"untold"`
	// Reconnects counts connections made after one was lost.
	Reconnects int64 `json:"reconnects"`
}
