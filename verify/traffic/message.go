package traffic

import (
	"bytes"
	"fmt"

	"warren/clients"
)

// newMessage is a message whose body follows from its id, so that a consumer can tell whether it arrived
// whole.
func newMessage(queue, id string, size int) clients.Message {
	return clients.Message{ID: id, RoutingKey: queue, ContentType: "text/plain", Body: body(id, size)}
}

// body is the id, a space, and as many dots as make up the size. It is never shorter than the id.
func body(id string, size int) []byte {
	b := append([]byte(id), ' ')
	return append(b, bytes.Repeat([]byte{'.'}, max(0, size-len(b)))...)
}

// identify returns the id under which a delivery goes into the history: the message's, or a description that
// no publish has if the body is not the one it was sent with.
func identify(m clients.Message) string {
	if bytes.Equal(m.Body, body(m.ID, len(m.Body))) {
		return m.ID
	}
	return fmt.Sprintf("%s with a body of another message (%d bytes)", m.ID, len(m.Body))
}
