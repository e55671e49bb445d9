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
	basicGetEmpty       = 60<<16 | 72
	basicAck            = 60<<16 | 80
	basicReject         = 60<<16 | 90
	basicNack           = 60<<16 | 120
	confirmSelect       = 85<<16 | 10
	confirmSelectOk     = 85<<16 | 11
)

// fakeBroker speaks just enough AMQP to receive confirmed messages and to deliver some, and does so as the test wants:
// what a real broker cannot be made to do at will.
type fakeBroker struct {
	listener  net.Listener
	onOpen    func(c *fakeConn) error
	onConsume func(c *fakeConn)
	onGet     func(c *fakeConn, channel uint16) (empty bool) // nil: the queue is always empty
	answer    func(c *fakeConn, tag uint64, m published)
	node      func(connection int) string // what it says is its name; nil: nothing
	serving   sync.WaitGroup
	closed    atomic.Int32

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
	number   int
	consumer string        // its tag
	confirms atomic.Uint32 // the channel in confirm mode

	mu sync.Mutex
}

// startFakeBroker answers every message with answer until the test ends.
func startFakeBroker(t *testing.T, answer func(c *fakeConn, tag uint64, m published)) *fakeBroker {
	t.Helper()
	b := &fakeBroker{listener: listen(t), answer: answer}
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

func (b *fakeBroker) tell(c *fakeConn, what string, args []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.told = append(b.told, fmt.Sprintf("%d: %s %d", c.number, what, binary.BigEndian.Uint64(args)))
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
		b.serving.Go(func() {
			defer b.closed.Add(1)
			defer c.Close()
			_ = b.serve(c) // ends with the connection
		})
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
	c.method(0, connectionStart, start)

	var tag uint64
	var message published
	var size int
	confirm := func() {
		tag++
		message.conn = c.number
		b.mu.Lock()
		b.got = append(b.got, message)
		b.mu.Unlock()
		b.answer(c, tag, message)
	}
	for {
		kind, channel, payload, err := readFrame(r)
		if err != nil {
			return err
		}
		switch kind {
		case 1: // method
			args := payload[4:]
			switch binary.BigEndian.Uint32(payload) {
			case connectionStartOk:
				tune := binary.BigEndian.AppendUint16(nil, 2047)
				tune = binary.BigEndian.AppendUint32(tune, 131072)
				c.method(0, connectionTune, binary.BigEndian.AppendUint16(tune, 60))
			case connectionTuneOk, connectionCloseOk:
			case connectionOpen:
				c.method(0, connectionOpenOk, []byte{0})
			case connectionClose:
				c.method(0, connectionCloseOk, nil)
			case channelOpen:
				c.method(channel, channelOpenOk, []byte{0, 0, 0, 0})
			case channelClose:
				c.method(channel, channelCloseOk, nil)
			case channelCloseOk:
			case confirmSelect:
				tag = 0
				c.confirms.Store(uint32(channel))
				c.method(channel, confirmSelectOk, nil)
			case basicPublish:
				message = published{}
				message.exchange, args = takeShort(args[2:])
				message.routingKey, _ = takeShort(args)
			case basicQos:
				c.method(channel, basicQosOk, nil)
			case basicConsume:
				_, args = takeShort(args[2:]) // the queue
				c.consumer, _ = takeShort(args)
				c.method(channel, basicConsumeOk, appendShort(nil, c.consumer))
				b.onConsume(c)
			case basicCancel:
				c.method(channel, basicCancelOk, appendShort(nil, c.consumer))
			case basicGet:
				if b.onGet == nil || b.onGet(c, channel) {
					c.method(channel, basicGetEmpty, []byte{0})
				}
			case basicAck:
				b.tell(c, "ack", args)
			case basicReject:
				b.tell(c, map[byte]string{0: "reject", 1: "requeue"}[args[8]], args)
			case basicNack:
				b.tell(c, "give back", args)
			default:
				return errors.New("unexpected method")
			}
		case 2: // content header
			size = int(binary.BigEndian.Uint64(payload[4:]))
			message.id = messageID(payload[12:])
			if size == 0 {
				confirm()
			}
		case 3: // body
			message.body += string(payload)
			if len(message.body) == size {
				confirm()
			}
		}
	}
}

// properties are the server's, which it introduces itself with.
func (b *fakeBroker) properties(c *fakeConn) string {
	if b.node == nil {
		return ""
	}
	return string(appendLong(append(appendShort(nil, "node"), 'S'), b.node(c.number)))
}

// open is how many connections have not been closed.
func (b *fakeBroker) open() int { return b.connections() - int(b.closed.Load()) }

// messageID finds the message id among the properties that our clients set.
func messageID(properties []byte) string {
	flags := binary.BigEndian.Uint16(properties)
	rest := properties[2:]
	if flags&(1<<15) != 0 { // content type
		_, rest = takeShort(rest)
	}
	if flags&(1<<12) != 0 { // delivery mode
		rest = rest[1:]
	}
	if flags&(1<<7) == 0 {
		return ""
	}
	id, _ := takeShort(rest)
	return id
}

func (c *fakeConn) ack(tag uint64) {
	c.method(uint16(c.confirms.Load()), basicAck, append(binary.BigEndian.AppendUint64(nil, tag), 0))
}
func (c *fakeConn) nack(tag uint64) {
	c.method(uint16(c.confirms.Load()), basicNack, append(binary.BigEndian.AppendUint64(nil, tag), 0))
}

// returnUnroutable returns a message, which a broker does before it acks it.
func (c *fakeConn) returnUnroutable(m published) {
	args := binary.BigEndian.AppendUint16(nil, 312)
	args = appendShort(appendShort(appendShort(args, "NO_ROUTE"), m.exchange), m.routingKey)
	header := append([]byte{0, 60, 0, 0}, make([]byte, 8)...) // class, weight, no body
	header = appendShort(append(header, 0, 1<<7), m.id)       // only the message id
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frame(1, 1, append(binary.BigEndian.AppendUint32(nil, basicReturn), args...))
	c.frame(2, 1, header)
}

// deliver sends a message to the consumer.
func (c *fakeConn) deliver(tag uint64, id string) {
	args := binary.BigEndian.AppendUint64(appendShort(nil, c.consumer), tag)
	args = append(args, 0, 0, 0)                              // not redelivered, no exchange, no routing key
	header := append([]byte{0, 60, 0, 0}, make([]byte, 8)...) // class, weight, no body
	header = appendShort(append(header, 0, 1<<7), id)         // only the message id
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frame(1, 1, append(binary.BigEndian.AppendUint32(nil, basicDeliver), args...))
	c.frame(2, 1, header)
}

// cancelConsumer is what the broker does when the queue is deleted.
func (c *fakeConn) cancelConsumer() {
	c.method(1, basicCancel, append(appendShort(nil, c.consumer), 1))
}

// closeChannel closes the channel with an exception.
func (c *fakeConn) closeChannel(channel uint16, code uint16, text string) {
	args := appendShort(binary.BigEndian.AppendUint16(nil, code), text)
	c.method(channel, channelClose, append(args, 0, 60, 0, 40))
}

func (c *fakeConn) block(reason string) { c.method(0, connectionBlocked, appendShort(nil, reason)) }
func (c *fakeConn) unblock()            { c.method(0, connectionUnblocked, nil) }

func (c *fakeConn) method(channel uint16, id uint32, args []byte) {
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
