package clients

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The methods of AMQP 0-9-1 that the fake broker understands and sends, as class<<16 | method.
const (
	connectionStart     = 10<<16 | 10
	connectionStartOk   = 10<<16 | 11
	connectionTune      = 10<<16 | 30
	connectionTuneOk    = 10<<16 | 31
	connectionOpen      = 10<<16 | 40
	connectionOpenOk    = 10<<16 | 41
	connectionClose     = 10<<16 | 50
	connectionCloseOk   = 10<<16 | 51
	connectionBlocked   = 10<<16 | 60
	connectionUnblocked = 10<<16 | 61
	channelOpen         = 20<<16 | 10
	channelOpenOk       = 20<<16 | 11
	channelClose        = 20<<16 | 40
	channelCloseOk      = 20<<16 | 41
	queueDeclare        = 50<<16 | 10
	queueDeclareOk      = 50<<16 | 11
	basicQos            = 60<<16 | 10
	basicQosOk          = 60<<16 | 11
	basicConsume        = 60<<16 | 20
	basicConsumeOk      = 60<<16 | 21
	basicCancel         = 60<<16 | 30
	basicCancelOk       = 60<<16 | 31
	basicPublish        = 60<<16 | 40
	basicReturn         = 60<<16 | 50
	basicDeliver        = 60<<16 | 60
	basicGet            = 60<<16 | 70
	basicGetOk          = 60<<16 | 71
	basicGetEmpty       = 60<<16 | 72
	basicAck            = 60<<16 | 80
	basicReject         = 60<<16 | 90
	basicNack           = 60<<16 | 120
	confirmSelect       = 85<<16 | 10
	confirmSelectOk     = 85<<16 | 11
)

// fakeBroker speaks just enough AMQP to receive confirmed messages and to deliver some, and does so as the
// test wants: what a real broker cannot be made to do at will.
type fakeBroker struct {
	listener  net.Listener
	onOpen    func(c *fakeConn) error
	onConsume func(c *fakeChannel)
	onGet     func(c *fakeChannel) (empty bool) // nil: the queue is always empty
	answer    func(c *fakeChannel, tag uint64, m published)
	// They say whether to go on with a basic.consume, a channel.open or a queue.declare; nil: always.
	onSubscribe, onChannel, onDeclare func(c *fakeChannel) bool

	onChannelClose func(c *fakeChannel) // nil: nothing more than answering

	onSettle func(c *fakeChannel, what string, tag uint64) // nil: nothing more than taking note
	mute     atomic.Bool                                   // no heartbeats
	node     func(connection int) string                   // its name; nil: none
	version  string                                        // of RabbitMQ; empty: it does not tell
	serving  sync.WaitGroup
	closed   atomic.Int32

	mu    sync.Mutex
	conns []*fakeConn
	got   []published
	told  []string
}

// published is a message that the fake broker received.
type published struct {
	exchange, routingKey, id, body string
	conn                           int // counted from 1
}

// fakeConn is one connection to a fake broker.
type fakeConn struct {
	net.Conn
	number int

	mu sync.Mutex
}

// fakeChannel is a channel on it.
type fakeChannel struct {
	*fakeConn
	id       uint16
	consumer string // its tag
	closed   atomic.Bool

	// Of the message that is being received.
	tag     uint64
	message published
	header  []byte // its properties, as they came
	size    int
}

// startFakeBroker answers every message with answer until the test ends.
func startFakeBroker(t testing.TB, answer func(c *fakeChannel, tag uint64, m published)) *fakeBroker {
	t.Helper()
	return serveFakeBroker(t, listen(t), answer)
}

// serveFakeBroker does so on a listener.
func serveFakeBroker(t testing.TB, l net.Listener, answer func(c *fakeChannel, tag uint64,
	m published)) *fakeBroker {
	t.Helper()
	b := &fakeBroker{listener: l, answer: answer}
	b.serving.Go(b.accept)
	t.Cleanup(func() {
		_ = b.listener.Close()
		b.mu.Lock()
		for _, c := range b.conns {
			_ = c.Close()
		}
		b.mu.Unlock()
		b.serving.Wait()
	})
	return b
}

func (b *fakeBroker) uri() string { return "amqp://user:password@" + b.listener.Addr().String() + "/" }

// received is what was published so far, repetitions included.
func (b *fakeBroker) received() []published {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]published(nil), b.got...)
}

// settlements is what consumers said of deliveries, such as "1: ack 3" for delivery 3 on connection 1.
func (b *fakeBroker) settlements() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.told...)
}

func (b *fakeBroker) tell(c *fakeChannel, what string, args []byte) {
	tag := binary.BigEndian.Uint64(args)
	b.mu.Lock()
	b.told = append(b.told, fmt.Sprintf("%d: %s %d", c.number, what, tag))
	b.mu.Unlock()
	if b.onSettle != nil {
		b.onSettle(c, what, tag)
	}
}

// connections is how many were accepted.
func (b *fakeBroker) connections() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.conns)
}

func (b *fakeBroker) accept() {
	for {
		conn, err := b.listener.Accept()
		if err != nil {
			return
		}
		b.mu.Lock()
		c := &fakeConn{Conn: conn, number: len(b.conns) + 1}
		b.conns = append(b.conns, c)
		b.mu.Unlock()
		gone := make(chan struct{})
		b.serving.Go(func() {
			defer b.closed.Add(1)
			defer close(gone)
			defer c.Close()
			_ = b.serve(c) // ends with the connection
		})
		b.serving.Go(func() { c.beat(gone, &b.mute) })
	}
}

// beat sends heartbeats.
func (c *fakeConn) beat(gone <-chan struct{}, mute *atomic.Bool) {
	ticker := time.NewTicker(2 * time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if mute.Load() {
				continue
			}
			c.mu.Lock()
			c.frame(8, 0, nil)
			c.mu.Unlock()
		case <-gone:
			return
		}
	}
}

// serve speaks with one client until it goes away.
func (b *fakeBroker) serve(c *fakeConn) error {
	r := bufio.NewReader(c)
	if _, err := io.ReadFull(r, make([]byte, len("AMQP\x00\x00\x09\x01"))); err != nil {
		return err
	}
	if b.onOpen != nil {
		if err := b.onOpen(c); err != nil {
			return err
		}
	}
	var start []byte
	start = append(start, 0, 9) // version
	start = appendLong(start, b.properties(c))
	start = appendLong(appendLong(start, "PLAIN"), "en_US")
	c.send(0, connectionStart, start)

	channels := make(map[uint16]*fakeChannel)
	received := func(ch *fakeChannel) {
		if ch.closed.Load() {
			return
		}
		ch.tag++
		ch.message.conn = c.number
		b.mu.Lock()
		b.got = append(b.got, ch.message)
		b.mu.Unlock()
		b.answer(ch, ch.tag, ch.message)
	}
	for {
		kind, id, payload, err := readFrame(r)
		if err != nil {
			return err
		}
		ch := channels[id]
		if ch == nil {
			ch = &fakeChannel{fakeConn: c, id: id}
			channels[id] = ch
		}
		switch kind {
		case 1: // method
			if err := b.method(ch, binary.BigEndian.Uint32(payload), payload[4:]); err != nil {
				return err
			}
			if m := binary.BigEndian.Uint32(payload); m == channelClose || m == channelCloseOk {
				ch.closed.Store(true) // nothing more comes over it, as from a real broker
				delete(channels, id)
			}
		case 2: // content header
			ch.size = int(binary.BigEndian.Uint64(payload[4:]))
			ch.message.id = messageID(payload[12:])
			ch.header = payload[12:]
			if ch.size == 0 {
				received(ch)
			}
		case 3: // body
			ch.message.body += string(payload)
			if len(ch.message.body) == ch.size {
				received(ch)
			}
		}
	}
}

// method answers one method.
func (b *fakeBroker) method(ch *fakeChannel, method uint32, args []byte) error {
	switch method {
	case connectionStartOk:
		tune := binary.BigEndian.AppendUint16(nil, 2047)
		tune = binary.BigEndian.AppendUint32(tune, 131072)
		ch.method(connectionTune, binary.BigEndian.AppendUint16(tune, 60))
	case connectionTuneOk, connectionCloseOk:
	case connectionOpen:
		ch.method(connectionOpenOk, []byte{0})
	case connectionClose:
		ch.method(connectionCloseOk, nil)
	case channelOpen:
		if b.onChannel != nil && !b.onChannel(ch) {
			return nil
		}
		ch.method(channelOpenOk, []byte{0, 0, 0, 0})
	case channelClose:
		if b.onChannelClose != nil {
			b.onChannelClose(ch)
		}
		ch.method(channelCloseOk, nil)
	case channelCloseOk:
	case confirmSelect:
		ch.tag = 0
		ch.method(confirmSelectOk, nil)
	case basicPublish:
		ch.message = published{}
		ch.message.exchange, args = takeShort(args[2:])
		ch.message.routingKey, _ = takeShort(args)
	case basicQos:
		ch.method(basicQosOk, nil)
	case basicConsume:
		_, args = takeShort(args[2:]) // the queue
		ch.consumer, _ = takeShort(args)
		if b.onSubscribe != nil && !b.onSubscribe(ch) {
			return nil
		}
		ch.method(basicConsumeOk, appendShort(nil, ch.consumer))
		b.onConsume(ch)
	case basicCancel:
		ch.method(basicCancelOk, appendShort(nil, ch.consumer))
	case queueDeclare:
		if b.onDeclare != nil && !b.onDeclare(ch) {
			return nil
		}
		ch.method(queueDeclareOk, append(appendShort(nil, "q"), make([]byte, 8)...))
	case basicGet:
		if b.onGet == nil || b.onGet(ch) {
			ch.method(basicGetEmpty, []byte{0})
		}
	case basicAck:
		b.tell(ch, "ack", args)
	case basicReject:
		b.tell(ch, map[byte]string{0: "reject", 1: "requeue"}[args[8]], args)
	case basicNack:
		b.tell(ch, "give back", args)
	default:
		return errors.New("unexpected method")
	}
	return nil
}

// properties are the server's, which it introduces itself with.
func (b *fakeBroker) properties(c *fakeConn) string {
	var table []byte
	if b.node != nil {
		table = appendLong(append(appendShort(table, "node"), 'S'), b.node(c.number))
	}
	if b.version != "" {
		table = appendLong(append(appendShort(table, "version"), 'S'), b.version)
	}
	return string(table)
}

// open is how many connections have not been closed.
func (b *fakeBroker) open() int { return b.connections() - int(b.closed.Load()) }

// messageID finds the message id among the properties.
func messageID(properties []byte) (id string) {
	flags := binary.BigEndian.Uint16(properties)
	rest := properties[2:]
	for bit := 15; bit >= 7; bit-- {
		if flags&(1<<bit) == 0 {
			id = ""
			continue
		}
		switch bit {
		case 13: // headers
			rest = rest[4+binary.BigEndian.Uint32(rest):]
		case 12, 11: // delivery mode, priority
			rest = rest[1:]
		default:
			id, rest = takeShort(rest)
		}
	}
	return id
}

func (c *fakeChannel) ack(tag uint64)  { c.confirm(basicAck, tag, false) }
func (c *fakeChannel) nack(tag uint64) { c.confirm(basicNack, tag, false) }

// confirm answers one message, or all up to it.
func (c *fakeChannel) confirm(method uint32, tag uint64, multiple bool) {
	if c.closed.Load() {
		return
	}
	bits := byte(0)
	if multiple {
		bits = 1
	}
	c.method(method, append(binary.BigEndian.AppendUint64(nil, tag), bits))
}

// returnUnroutable returns a message, which a broker does before it acks it.
func (c *fakeChannel) returnUnroutable(m published) {
	args := binary.BigEndian.AppendUint16(nil, 312)
	args = appendShort(appendShort(appendShort(args, "NO_ROUTE"), m.exchange), m.routingKey)
	c.content(basicReturn, args, m.id)
}

// deliver sends a message to the consumer.
func (c *fakeChannel) deliver(tag uint64, id string) {
	args := binary.BigEndian.AppendUint64(appendShort(nil, c.consumer), tag)
	args = append(args, 0, 0, 0) // not redelivered, no exchange, no routing key
	c.content(basicDeliver, args, id)
}

// got answers basic.get with a message.
func (c *fakeChannel) got(tag uint64, id string) {
	args := binary.BigEndian.AppendUint64(nil, tag)
	args = append(args, 0, 0, 0, 0, 0, 0, 0) // not redelivered, no exchange, no routing key, none left
	c.content(basicGetOk, args, id)
}

// relay sends a message with the properties of another to the consumer.
func (c *fakeChannel) relay(tag uint64, properties []byte, body string) {
	args := binary.BigEndian.AppendUint64(appendShort(nil, c.consumer), tag)
	args = append(args, 0, 0, 0) // not redelivered, no exchange, no routing key
	header := binary.BigEndian.AppendUint64([]byte{0, 60, 0, 0}, uint64(len(body)))
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frame(1, c.id, append(binary.BigEndian.AppendUint32(nil, basicDeliver), args...))
	c.frame(2, c.id, append(header, properties...))
	if body != "" {
		c.frame(3, c.id, []byte(body))
	}
}

// redeliver sends a message that the queue says has failed so often.
func (c *fakeChannel) redeliver(tag uint64, id string, failures int) {
	const headersAndID = 1<<13 | 1<<7
	table := append(appendShort(nil, "x-delivery-count"), 'l')
	table = binary.BigEndian.AppendUint64(table, uint64(failures))
	properties := appendLong(binary.BigEndian.AppendUint16(nil, headersAndID), string(table))
	c.relay(tag, appendShort(properties, id), "")
}

// content sends a method with a message that has an id and no body.
func (c *fakeChannel) content(method uint32, args []byte, id string) {
	header := append([]byte{0, 60, 0, 0}, make([]byte, 8)...) // class, weight, no body
	header = appendShort(append(header, 0, 1<<7), id)         // only the message id
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frame(1, c.id, append(binary.BigEndian.AppendUint32(nil, method), args...))
	c.frame(2, c.id, header)
}

// cancelConsumer is what the broker does when the queue is deleted.
func (c *fakeChannel) cancelConsumer() {
	c.method(basicCancel, append(appendShort(nil, c.consumer), 1))
}

// closeChannel closes the channel with an exception.
func (c *fakeChannel) closeChannel(code uint16, text string) {
	c.closed.Store(true) // what is still on its way is dropped
	args := appendShort(binary.BigEndian.AppendUint16(nil, code), text)
	c.method(channelClose, append(args, 0, 60, 0, 40))
}

// closeConnection closes the connection with an exception.
func (c *fakeConn) closeConnection(code uint16, text string) {
	args := appendShort(binary.BigEndian.AppendUint16(nil, code), text)
	c.send(0, connectionClose, append(args, 0, 60, 0, 40))
}

func (c *fakeConn) block()   { c.send(0, connectionBlocked, appendShort(nil, "low on memory")) }
func (c *fakeConn) unblock() { c.send(0, connectionUnblocked, nil) }

func (c *fakeChannel) method(id uint32, args []byte) { c.send(c.id, id, args) }

func (c *fakeConn) send(channel uint16, id uint32, args []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frame(1, channel, append(binary.BigEndian.AppendUint32(nil, id), args...))
}

// frame writes a frame; that the client has gone shows when reading.
func (c *fakeConn) frame(kind byte, channel uint16, payload []byte) {
	frame := binary.BigEndian.AppendUint16([]byte{kind}, channel)
	frame = binary.BigEndian.AppendUint32(frame, uint32(len(payload)))
	_, _ = c.Write(append(append(frame, payload...), 0xCE))
}

func readFrame(r io.Reader) (kind byte, channel uint16, payload []byte, err error) {
	var header [7]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, 0, nil, err
	}
	payload = make([]byte, binary.BigEndian.Uint32(header[3:])+1) // and the frame end
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, 0, nil, err
	}
	return header[0], binary.BigEndian.Uint16(header[1:]), payload[:len(payload)-1], nil
}

func appendShort(b []byte, s string) []byte { return append(append(b, byte(len(s))), s...) }

func appendLong(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
}

func takeShort(b []byte) (s string, rest []byte) { return string(b[1 : 1+b[0]]), b[1+b[0]:] }
