//go:build linux

// Command netdelay holds the packets of a netfilter queue for a while and lets them go on:
//
//	netdelay 42 100ms
//
// It needs CAP_NET_ADMIN in the network namespace it runs in, where a rule sends packets to the queue
// (iptables -j NFQUEUE --queue-num 42). images/build puts it into the nettools image.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "netdelay:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: netdelay QUEUE DELAY")
	}
	number, err := strconv.ParseUint(args[0], 10, 16)
	if err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	delay, err := time.ParseDuration(args[1])
	if err != nil {
		return fmt.Errorf("delay: %w", err)
	}
	q, err := openQueue(uint16(number))
	if err != nil {
		return fmt.Errorf("open queue %d: %w", number, err)
	}
	return q.hold(delay)
}

// held is a packet the kernel keeps for us.
type held struct {
	id  uint32
	due time.Time
}

// hold lets every packet wait for the same time, so they leave in the order they came in.
func (q *queue) hold(delay time.Duration) error {
	waiting := make(chan held, maxPackets)
	failed := make(chan error, 1)
	go func() { failed <- q.receive(delay, waiting) }()
	for {
		select {
		case packet := <-waiting:
			time.Sleep(time.Until(packet.due))
			if err := q.accept(packet.id); err != nil {
				return fmt.Errorf("release a packet: %w", err)
			}
		case err := <-failed:
			return err
		}
	}
}

// receive passes on the packets that come in.
func (q *queue) receive(delay time.Duration, waiting chan<- held) error {
	buffer := make([]byte, 1<<16)
	for {
		n, _, err := unix.Recvfrom(q.socket, buffer, 0)
		due := time.Now().Add(delay)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.ENOBUFS):
			continue // more came in than we could take: those are lost, as on any network
		case err != nil:
			return fmt.Errorf("receive packets: %w", err)
		}
		ids, err := packetIDs(buffer[:n])
		if err != nil {
			return err
		}
		for _, id := range ids {
			waiting <- held{id, due}
		}
	}
}
