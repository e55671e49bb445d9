package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"warren/internal/terminal"
	"warren/operate/prometheus"
	"warren/topology"
)

// alertsTimeout bounds the question for alerts: a Prometheus that is busy must not hold up the status.
const alertsTimeout = 3 * time.Second

// alertStatus are the alerts that fire, if the stack has a Prometheus.
type alertStatus struct {
	// Alerts is nil if the stack has no Prometheus, or if AlertsError says why they are not known.
	Alerts      []prometheus.Alert `json:"alerts,omitempty"`
	AlertsError string             `json:"alertsError,omitempty"`
	watched     bool
}

// alertsOf asks for the alerts of a stack that fire.
func alertsOf(ctx context.Context, outputs topology.Outputs) alertStatus {
	client, err := prometheus.Of(outputs)
	if errors.Is(err, prometheus.ErrOff) {
		return alertStatus{}
	}
	ctx, cancel := context.WithTimeout(ctx, alertsTimeout)
	defer cancel()
	alerts, err := client.Alerts(ctx)
	if err != nil {
		return alertStatus{AlertsError: err.Error(), watched: true}
	}
	return alertStatus{Alerts: prometheus.OnlyFiring(alerts), watched: true}
}

// print shows the alerts to people. It shows nothing of a stack without Prometheus.
func (s alertStatus) print(out io.Writer, now time.Time) error {
	var text strings.Builder
	switch {
	case !s.watched:
		return nil
	case s.AlertsError != "":
		fmt.Fprintf(&text, "Alerts are not known: %s\n", terminal.Escape(s.AlertsError))
	case len(s.Alerts) == 0:
		text.WriteString("No alert fires.\n")
	default:
		text.WriteString("\n")
		for _, a := range s.Alerts {
			line := fmt.Sprintf("%s (%s, for %s): %s", a.Name, a.Severity,
				now.Sub(a.Since).Round(time.Second), a.Summary)
			fmt.Fprintf(&text, "ALERT    %s\n", terminal.Escape(line))
		}
	}
	_, err := io.WriteString(out, text.String())
	return err
}
