package prometheus

import (
	"context"
	"slices"
	"strings"
	"time"

	"warren/topology/monitoring"
)

// The states of an alert.
const (
	// Pending alerts have not lasted long enough to fire.
	Pending = "pending"
	Firing  = "firing"
)

// Alert is an alert that is pending or fires.
type Alert struct {
	Name     string              `json:"name"`
	Severity monitoring.Severity `json:"severity"`
	State    string              `json:"state"`
	// Since is when its expression became true.
	Since time.Time `json:"since"`
	// Summary says what was seen, Means what that does, and Fix which commands to run first.
	Summary string            `json:"summary"`
	Means   string            `json:"means"`
	Fix     []string          `json:"fix"`
	Labels  map[string]string `json:"labels"`
}

// Alerts returns the alerts of the stack that are pending or fire, those that matter most first.
func (c *Client) Alerts(ctx context.Context) ([]Alert, error) {
	var data struct {
		Alerts []struct {
			Labels      map[string]string `json:"labels"`
			Annotations map[string]string `json:"annotations"`
			State       string            `json:"state"`
			ActiveAt    time.Time         `json:"activeAt"`
		} `json:"alerts"`
	}
	if err := c.get(ctx, "alerts", nil, &data); err != nil {
		return nil, err
	}
	var alerts []Alert
	for _, a := range data.Alerts {
		if a.Labels[monitoring.LabelStack] != c.stack {
			continue // it is of something else that the same Prometheus watches
		}
		alert := Alert{
			Name:     a.Labels["alertname"],
			Severity: monitoring.Severity(a.Labels[monitoring.LabelSeverity]),
			State:    a.State,
			Since:    a.ActiveAt,
			Summary:  a.Annotations[monitoring.AnnotationSummary],
			Means:    a.Annotations[monitoring.AnnotationMeans],
			Labels:   a.Labels,
		}
		if fix := a.Annotations[monitoring.AnnotationFix]; fix != "" {
			alert.Fix = strings.Split(fix, "\n")
		}
		alerts = append(alerts, alert)
	}
	slices.SortStableFunc(alerts, func(a, b Alert) int {
		if rank(a) != rank(b) {
			return rank(a) - rank(b)
		}
		return strings.Compare(a.Name+a.Summary, b.Name+b.Summary)
	})
	return alerts, nil
}

// rank sorts what fires before what is pending, and what is critical before what is not.
func rank(a Alert) int {
	rank := 0
	if a.State != Firing {
		rank += 2
	}
	if a.Severity != monitoring.Critical {
		rank++
	}
	return rank
}

// OnlyFiring are those alerts that fire.
func OnlyFiring(alerts []Alert) []Alert {
	return slices.DeleteFunc(slices.Clone(alerts), func(a Alert) bool { return a.State != Firing })
}
