//go:build cluster

package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/agent/internal/rig"
	"warren/agent/observe"
	"warren/agent/peer"
	"warren/agent/plan"
)

var images = []string{"warren/rabbitmq:4.3", "warren/rabbitmq:4.0", "warren/rabbitmq:3.10"}

// TestAgentRunsACluster starts a cluster by the agent alone, in every series, and stops it.
func TestAgentRunsACluster(t *testing.T) {
	for _, image := range images {
		t.Run(image, func(t *testing.T) {
			r := rig.New(t, image, 3)
			start := time.Now()
			r.StartNodes()
			for _, n := range r.Cluster.Nodes {
				r.StartHelper(n.Name+"-join", r.Desired(plan.ScopeMembership, n.Name))
			}
			r.StartHelper("formation", r.Desired(plan.ScopeFormation, ""))
			for _, n := range r.Cluster.Nodes {
				r.AwaitPhase(n.Name+"-join", peer.Done)
			}
			r.AwaitPhase("formation", peer.Done)
			t.Logf("from nothing: %.1f s", time.Since(start).Seconds())

			observer := observe.New(r.Rabbit, r.Peers, r.Names())
			view := observer.Look(t.Context())
			require.Len(t, view.Nodes, 3)
			for _, n := range view.Nodes {
				assert.Equal(t, plan.Serving, n.State, n.Name)
				assert.True(t, n.Member.Is(true))
				assert.True(t, n.Data.Is(true))
			}
			assert.True(t, view.QueuesKnown)
			assert.True(t, view.LostKnown)
			for _, scope := range []plan.Scope{plan.ScopeFormation, plan.ScopeMembership} {
				decision := plan.Plan(view, r.Desired(scope, "rabbit2"))
				assert.Truef(t, decision.Done(), "%s: %+v", scope, decision)
			}

			t.Log("a node that is stopped drains, and starts again")
			start = time.Now()
			r.Docker("stop", r.Container("rabbit1"))
			t.Logf("stopped: %.1f s", time.Since(start).Seconds())
			log := r.Docker("logs", r.Container("rabbit1"))
			assert.Contains(t, log, "drain rabbit@rabbit1")
			r.Docker("start", r.Container("rabbit1"))
			r.Await("rabbit1 to serve again", func(ctx context.Context) error {
				if s := observer.Look(ctx).Nodes[0].State; s != plan.Serving {
					return fmt.Errorf("it is %s", s)
				}
				return nil
			})

			t.Log("all go at once when the formation has said farewell")
			start = time.Now()
			r.Docker("stop", r.Container("formation"))
			r.Docker("stop", r.Container("rabbit3"))
			r.Docker("stop", r.Container("rabbit2"))
			r.Docker("stop", r.Container("rabbit1"))
			t.Logf("all stopped: %.1f s", time.Since(start).Seconds())
			assert.Contains(t, r.Docker("logs", r.Container("rabbit1")), "the whole stack goes")

			t.Log("a cluster of which all nodes are stopped starts together")
			for _, n := range r.Cluster.Nodes {
				r.Docker("start", r.Container(n.Name))
			}
			r.Await("all to serve", func(ctx context.Context) error {
				for _, n := range observer.Look(ctx).Nodes {
					if n.State != plan.Serving {
						return errors.New(string(n.Name) + " is " + string(n.State))
					}
				}
				return nil
			})
			text, err := json.Marshal(observer.Look(t.Context()))
			require.NoError(t, err)
			t.Logf("%s", text)
		})
	}
}
