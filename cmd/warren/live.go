package main

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// everySecond prints a line each second, and a last one when it is stopped.
func everySecond(out io.Writer, line func() string) (stop func()) {
	start := time.Now()
	show := func() { fmt.Fprintf(out, "%5.0fs  %s\n", time.Since(start).Seconds(), line()) }
	quit := make(chan struct{})
	var printer sync.WaitGroup
	printer.Go(func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				show()
				return
			case <-ticker.C:
				show()
			}
		}
	})
	return func() {
		close(quit)
		printer.Wait()
	}
}

// stateLogger logs what happens to a client's connection, for people.
func stateLogger(out io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelInfo}))
}
