package explain

import (
	"context"
	"fmt"
	"strings"

	cerrdefs "github.com/containerd/errdefs"

	"warren/infra/engine"
)

const (
	// logTailLines is how much of a log is read. It is more than a node writes between two crashes.
	logTailLines = 200
	// A message has the first errorLines errors of that. What led to the failure may not be called an
	// error, so the message also has the last endLines lines.
	errorLines, endLines = 8, 8
	// lineLength is how many characters of a line are shown. Erlang can write a whole state into one line.
	lineLength = 240
)

// failure formats a failure with the ends of the logs of the containers involved.
func failure(ctx context.Context, docker engine.Client, what string, containers ...string) string {
	var b strings.Builder
	b.WriteString(what + "\n")
	for _, name := range containers {
		log, err := engine.LogTail(ctx, docker, name, logTailLines)
		switch {
		case cerrdefs.IsNotFound(err):
			fmt.Fprintf(&b, "The container %s is gone: it gave up.\n", name)
		case err != nil:
			fmt.Fprintf(&b, "The log of %s can't be read: %v\n", name, err)
		case log == "":
			fmt.Fprintf(&b, "The log of %s is empty.\n", name)
		default:
			lines := strings.Join(relevantLines(log), "\n    ")
			fmt.Fprintf(&b, "From the end of the log of %s:\n    %s\n", name, lines)
		}
	}
	b.WriteString("Fix the cause and run `pulumi up` again; it resumes from here.")
	return b.String()
}

// relevantLines picks the lines of a log that say what went wrong: the first errors, because later ones are
// often only their consequences, and the end.
func relevantLines(log string) []string {
	var lines, picked []string
	for line := range strings.Lines(log) {
		line = strings.TrimRight(line, " \r\n")
		if strings.TrimSpace(line) == "" || strings.HasSuffix(line, ">") {
			continue // RabbitMQ puts empty lines around its errors
		}
		if runes := []rune(line); len(runes) > lineLength {
			line = string(runes[:lineLength]) + "…"
		}
		lines = append(lines, line)
	}
	end := max(0, len(lines)-endLines)
	for _, line := range lines[:end] {
		if strings.Contains(line, "[error]") && len(picked) < errorLines {
			picked = append(picked, line)
		}
	}
	if len(picked) > 0 {
		picked = append(picked, "…")
	}
	return append(picked, lines[end:]...)
}
