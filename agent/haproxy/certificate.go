// Package haproxy talks to a running HAProxy over its runtime API (management guide, section 9.3).
package haproxy

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// answerTimeout bounds one command. HAProxy answers at once, unless its machine is very busy.
const answerTimeout = 10 * time.Second

// SetCertificate gives the HAProxy that listens on a socket another certificate, with its key, in place of
// the one that it has read from a file. New connections get it; those that are open go on. The error shows
// nothing of the certificate.
func SetCertificate(ctx context.Context, socket, file, text string) error {
	if strings.Contains(text, "\n\n") {
		return fmt.Errorf("%s has an empty line, at which HAProxy would stop to read", file)
	}
	// Whatever somebody else began is dropped: there is one set of changes for each file.
	if _, err := command(ctx, socket, "abort ssl cert "+file+"\n"); err != nil {
		return err
	}
	for _, step := range []struct{ text, expect string }{
		{"set ssl cert " + file + " <<\n" + strings.TrimRight(text, "\n") + "\n\n", "Transaction created"},
		{"commit ssl cert " + file + "\n", "Success!"},
	} {
		answer, err := command(ctx, socket, step.text)
		if err != nil {
			return err
		}
		if !strings.Contains(answer, step.expect) {
			return fmt.Errorf("HAProxy does not take the certificate: %s", strings.TrimSpace(answer))
		}
	}
	return nil
}

// command gives a command and returns the answer, after which HAProxy closes the connection.
func command(ctx context.Context, socket, text string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", socket)
	if err != nil {
		return "", fmt.Errorf("HAProxy's runtime API: %w", err)
	}
	defer conn.Close()
	if end, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(end); err != nil {
			return "", err
		}
	}
	if _, err := io.WriteString(conn, text); err != nil {
		return "", fmt.Errorf("HAProxy's runtime API: %w", err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		return "", fmt.Errorf("HAProxy's runtime API: %w", err)
	}
	return string(answer), nil
}
