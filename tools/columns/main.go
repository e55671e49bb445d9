// Command columns reports the lines of Go and Markdown files that are too long to read. It exits with status
// 1 if there are any.
package main

import (
	"fmt"
	"os"
)

func main() {
	failed := false
	for _, file := range os.Args[1:] {
		text, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, "columns:", err)
			failed = true
			continue
		}
		for _, l := range tooLong(file, text) {
			fmt.Fprintf(os.Stderr, "%s:%d: the line has %d columns: break it, so that it has at most %d\n",
				file, l.number, l.columns, limit)
			failed = true
		}
	}
	if failed {
		os.Exit(1)
	}
}
