package flight

import (
	"errors"
	"fmt"

	"warren/clients/internal/reason"
)

// Stats are the counts of a book. Accepted is the sum of Confirmed, Returned, Nacked, Rejected, Unconfirmed
// and InFlight.
type Stats struct {
	Accepted, Confirmed, Returned, Nacked, Rejected, Unconfirmed int64
	InFlight                                                     int
	Published                                                    int64 // written to a connection
	Nacks                                                        int64 // negative confirms
}

// count counts an outcome.
func (s *Stats) count(outcome error) {
	switch {
	case outcome == nil:
		s.Confirmed++
	case errors.Is(outcome, reason.ErrUnroutable):
		s.Returned++
	case errors.Is(outcome, reason.ErrNacked):
		s.Nacked++
	case errors.Is(outcome, reason.ErrChannelException):
		s.Rejected++
	default:
		s.Unconfirmed++
	}
}

// TooLarge says that a message's properties do not fit.
func TooLarge(size, most int) error {
	return fmt.Errorf("its properties take %d bytes, and must fit into one frame, which takes %d", size, most)
}
