//go:build linux

package main

import (
	"encoding/binary"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// message encodes a netlink message as the kernel sends it.
func message(kind uint16, body []byte) []byte {
	m := binary.NativeEndian.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	return append(append(m, make([]byte, 10)...), body...)
}

func packet(id uint32) []byte {
	general := make([]byte, 4)
	mark := attribute(3, bigEndian(7))
	header := attribute(attributePacketHeader, append(bigEndian(id), 0x08, 0x00, 3))
	return message(messagePacket, append(append(general, mark...), header...))
}

func TestPacketIDsOfSeveralMessages(t *testing.T) {
	ids, err := packetIDs(append(packet(5), packet(6)...))
	require.NoError(t, err)
	assert.Equal(t, []uint32{5, 6}, ids)
}

func TestAcknowledgementIsNoError(t *testing.T) {
	ids, err := packetIDs(message(unix.NLMSG_ERROR, make([]byte, 4)))
	require.NoError(t, err)
	assert.Empty(t, ids)
}

func TestErrorOfTheKernelIsReported(t *testing.T) {
	refused := -int32(unix.EPERM)
	_, err := packetIDs(message(unix.NLMSG_ERROR, binary.NativeEndian.AppendUint32(nil, uint32(refused))))
	assert.ErrorIs(t, err, unix.EPERM)
}

func TestTruncatedMessageIsReported(t *testing.T) {
	_, err := packetIDs(packet(5)[:20])
	assert.ErrorContains(t, err, "netlink message")
}

func TestAttributesArePadded(t *testing.T) {
	assert.Len(t, attribute(attributeConfigParams, []byte{0, 0, 0, 0, copyMetadata}), 12)
}
