package publish

// Holdings are how many messages a producer holds, and where. The tests of package clients ask for them.
type Holdings struct {
	Places   int  // of the window that are taken
	Messages int  // without an outcome
	Owed     int  // on their way
	Moving   bool // to a connection that was found
}

// Holdings looks into the producer.
func (p *Producer) Holdings() Holdings {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Holdings{
		Places: len(p.room), Messages: p.book.Len(), Owed: p.book.Owed(), Moving: p.successor != nil,
	}
}

// Freeze stops all that the producer does until thaw is called.
func (p *Producer) Freeze() (thaw func()) {
	p.mu.Lock()
	return p.mu.Unlock
}
