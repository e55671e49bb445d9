//go:build linux

package mount

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"

	"warren/verify/fault/disk"
	"warren/verify/fault/disk/order"
)

// Listen takes orders for a disk over a socket until the listener that it returns is closed.
func Listen(ctx context.Context, d *disk.Disk, socket string) (net.Listener, error) {
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go answer(d, connection)
		}
	}()
	return listener, nil
}

// answer takes the orders of one connection.
func answer(d *disk.Disk, connection net.Conn) {
	defer connection.Close()
	in, out := json.NewDecoder(connection), json.NewEncoder(connection)
	for {
		var o order.Order
		if in.Decode(&o) != nil {
			return
		}
		if out.Encode(d.Obey(o)) != nil {
			return
		}
	}
}

// Send gives an order over a socket and returns the disk's report.
func Send(ctx context.Context, socket string, o order.Order) (order.Report, error) {
	var r order.Report
	connection, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return r, err
	}
	defer connection.Close()
	defer context.AfterFunc(ctx, func() { connection.Close() })()
	if err := json.NewEncoder(connection).Encode(o); err != nil {
		return r, err
	}
	return r, json.NewDecoder(connection).Decode(&r)
}
