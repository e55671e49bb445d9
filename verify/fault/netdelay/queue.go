//go:build linux

package main

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/sys/unix"
)

// The protocol of linux/netfilter/nfnetlink_queue.h: netlink messages with attributes, in the machine's byte
// order except where noted.
const (
	messagePacket  = unix.NFNL_SUBSYS_QUEUE << 8
	messageVerdict = unix.NFNL_SUBSYS_QUEUE<<8 | 1
	messageConfig  = unix.NFNL_SUBSYS_QUEUE<<8 | 2

	attributePacketHeader  = 1 // of a packet: its id (big endian), protocol, hook
	attributeVerdictHeader = 2 // of a verdict: what to do, packet id (both big endian)

	attributeConfigCommand   = 1 // command, padding, protocol family
	attributeConfigParams    = 2 // bytes to copy (big endian), copy mode
	attributeConfigMaxLength = 3 // packets (big endian)
	attributeConfigMask      = 4 // which flags to set (big endian)
	attributeConfigFlags     = 5 // the flags (big endian)

	commandBind  = 1
	copyMetadata = 1 // the packet's id is enough

	flagFailOpen = 1 << 0 // let packets pass when the queue is full
	flagGSO      = 1 << 2 // do not split large segments

	verdictAccept = 1

	messageHeaderSize = unix.SizeofNlMsghdr + 4 // and struct nfgenmsg
)

// maxPackets is how many packets may wait: a tenth of a second of far more than a test sends.
const maxPackets = 1 << 14

// queue is a netfilter queue that this process is bound to.
type queue struct {
	socket int
	number uint16
}

func openQueue(number uint16) (*queue, error) {
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return nil, fmt.Errorf("netlink socket: %w", err)
	}
	if err := unix.Bind(socket, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, fmt.Errorf("bind netlink socket: %w", err)
	}
	q := &queue{socket, number}
	const flags = flagFailOpen | flagGSO
	for _, setting := range [][]byte{
		attribute(attributeConfigCommand, []byte{commandBind, 0, 0, 0}),
		attribute(attributeConfigParams, append(bigEndian(0), copyMetadata)),
		attribute(attributeConfigMaxLength, bigEndian(maxPackets)),
		append(attribute(attributeConfigMask, bigEndian(flags)),
			attribute(attributeConfigFlags, bigEndian(flags))...),
	} {
		if err := q.configure(setting); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// configure sends a configuration message and waits for the kernel's answer to it.
func (q *queue) configure(attributes []byte) error {
	if err := q.send(messageConfig, unix.NLM_F_ACK, attributes); err != nil {
		return err
	}
	answer := make([]byte, 1<<12)
	n, _, err := unix.Recvfrom(q.socket, answer, 0)
	if err != nil {
		return err
	}
	_, err = packetIDs(answer[:n])
	return err
}

// accept lets a packet go on.
func (q *queue) accept(id uint32) error {
	return q.send(messageVerdict, 0, attribute(attributeVerdictHeader,
		append(bigEndian(verdictAccept), bigEndian(id)...)))
}

func (q *queue) send(kind, flags uint16, attributes []byte) error {
	message := binary.NativeEndian.AppendUint32(nil, uint32(messageHeaderSize+len(attributes)))
	message = binary.NativeEndian.AppendUint16(message, kind)
	message = binary.NativeEndian.AppendUint16(message, unix.NLM_F_REQUEST|flags)
	message = binary.NativeEndian.AppendUint64(message, 0) // sequence number and port: one question at a time
	message = append(message, unix.AF_UNSPEC, unix.NFNETLINK_V0)
	message = binary.BigEndian.AppendUint16(message, q.number)
	message = append(message, attributes...)
	return unix.Sendto(q.socket, message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
}

// packetIDs returns the ids of the packets that netlink messages announce. A message that reports an error is
// one.
func packetIDs(messages []byte) ([]uint32, error) {
	var ids []uint32
	for len(messages) >= unix.SizeofNlMsghdr {
		length := int(binary.NativeEndian.Uint32(messages))
		if length < unix.SizeofNlMsghdr || length > len(messages) {
			return nil, fmt.Errorf("netlink message of %d bytes where %d are left", length, len(messages))
		}
		message := messages[:length]
		messages = messages[min(align(length), len(messages)):]
		switch kind := binary.NativeEndian.Uint16(message[4:]); {
		case kind == unix.NLMSG_ERROR && length >= unix.SizeofNlMsghdr+4:
			// An acknowledgement is an error of number 0.
			if number := int32(binary.NativeEndian.Uint32(message[unix.SizeofNlMsghdr:])); number != 0 {
				return nil, fmt.Errorf("netlink: %w", unix.Errno(-number))
			}
		case kind == messagePacket && length >= messageHeaderSize:
			if id, found := packetID(message[messageHeaderSize:]); found {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

// packetID finds a packet's id among its attributes.
func packetID(attributes []byte) (uint32, bool) {
	for len(attributes) >= unix.NLA_HDRLEN {
		length := int(binary.NativeEndian.Uint16(attributes))
		if length < unix.NLA_HDRLEN || length > len(attributes) {
			return 0, false
		}
		kind := binary.NativeEndian.Uint16(attributes[2:])
		if kind == attributePacketHeader && length >= unix.NLA_HDRLEN+4 {
			return binary.BigEndian.Uint32(attributes[unix.NLA_HDRLEN:]), true
		}
		attributes = attributes[min(align(length), len(attributes)):]
	}
	return 0, false
}

// attribute encodes a netlink attribute, padded.
func attribute(kind uint16, payload []byte) []byte {
	length := unix.NLA_HDRLEN + len(payload)
	encoded := binary.NativeEndian.AppendUint16(nil, uint16(length))
	encoded = binary.NativeEndian.AppendUint16(encoded, kind)
	encoded = append(encoded, payload...)
	return append(encoded, make([]byte, align(length)-length)...)
}

// align rounds up to what netlink pads everything to.
func align(length int) int { return (length + unix.NLMSG_ALIGNTO - 1) &^ (unix.NLMSG_ALIGNTO - 1) }

func bigEndian(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
