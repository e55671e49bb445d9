package appfile_test

import (
	"fmt"
	"strings"
	"testing"

	"warren/topology/application/appfile"

	"github.com/stretchr/testify/assert"
)

// capabilities are the arguments that each type of queue has, as servers list them themselves
// (rabbit_*_queue:capabilities/0).
var capabilities = []struct {
	target appfile.Target
	kind   string
	known  string
}{
	{on(3, 10), "classic",
		"x-dead-letter-exchange,x-dead-letter-routing-key,x-expires,x-max-length,x-max-length-bytes,x-max-priority,x-message-ttl,x-overflow,x-queue-master-locator,x-queue-mode,x-queue-version,x-single-active-consumer"},
	{on(3, 10), "quorum",
		"x-dead-letter-exchange,x-dead-letter-routing-key,x-dead-letter-strategy,x-delivery-limit,x-expires,x-max-in-memory-bytes,x-max-in-memory-length,x-max-length,x-max-length-bytes,x-message-ttl,x-overflow,x-queue-leader-locator,x-quorum-initial-group-size,x-single-active-consumer"},
	{on(3, 10), "stream",
		"x-initial-cluster-size,x-max-age,x-max-length-bytes,x-queue-leader-locator,x-stream-max-segment-size-bytes"},
	{on(4, 0), "classic",
		"x-dead-letter-exchange,x-dead-letter-routing-key,x-expires,x-max-length,x-max-length-bytes,x-max-priority,x-message-ttl,x-overflow,x-queue-leader-locator,x-queue-master-locator,x-queue-mode,x-queue-version,x-single-active-consumer"},
	{on(4, 3), "quorum",
		"x-consumer-disconnected-timeout,x-consumer-timeout,x-dead-letter-exchange,x-dead-letter-routing-key,x-dead-letter-strategy,x-delayed-retry-max,x-delayed-retry-min,x-delayed-retry-type,x-delivery-limit,x-expires,x-max-in-memory-bytes,x-max-in-memory-length,x-max-length,x-max-length-bytes,x-message-ttl,x-overflow,x-queue-leader-locator,x-quorum-initial-group-size,x-single-active-consumer"},
	{on(4, 3), "stream",
		"x-initial-cluster-size,x-max-age,x-max-length-bytes,x-queue-leader-locator,x-stream-filter-size-bytes,x-stream-max-segment-size-bytes"},
}

// TestArgumentsOfServersAreKnown makes sure that no argument is refused that a server takes.
func TestArgumentsOfServersAreKnown(t *testing.T) {
	values := map[string]string{
		"x-dead-letter-exchange": "amq.fanout", "x-dead-letter-strategy": "at-most-once", "x-overflow": "drop-head",
		"x-queue-leader-locator": "balanced", "x-queue-master-locator": "random", "x-queue-mode": "lazy",
		"x-queue-version": "2", "x-single-active-consumer": "true", "x-dead-letter-routing-key": "k",
		"x-max-age": "1D", "x-delayed-retry-type": "all",
	}
	for _, row := range capabilities {
		var file strings.Builder
		fmt.Fprintf(&file, "queues:\n  - name: q\n    arguments:\n      x-queue-type: %s\n", row.kind)
		for argument := range strings.SplitSeq(row.known, ",") {
			value, set := values[argument]
			if !set {
				value = "20"
			}
			fmt.Fprintf(&file, "      %s: %s\n", argument, value)
		}
		_, err := appfile.Parse(row.target, appfile.Source{Name: "q.yaml", Text: []byte(file.String())})
		assert.NoError(t, err, "%s %s", row.target.Series, row.kind)
	}
}

// policyKeys are those that a server of 4.3 validates, and operatorKeys those for operator policies.
const (
	policyKeys = "alternate-exchange: amq.fanout,consumer-disconnected-timeout: 5,consumer-timeout: " +
		"5,dead-letter-exchange: amq.fanout,dead-letter-routing-key: k,dead-letter-strategy: " +
		"at-most-once,delayed-retry-max: 5,delayed-retry-min: 5,delayed-retry-type: all,delivery-limit: " +
		"5,expires: 5,federation-upstream-pattern: a,federation-upstream-set: all,initial-cluster-size: " +
		"3,max-age: 1D,max-in-memory-bytes: 5,max-in-memory-length: 5,max-length: 5,max-length-bytes: " +
		"5,message-ttl: 5,overflow: drop-head,queue-leader-locator: balanced,queue-master-locator: " +
		"random,queue-mode: lazy,queue-version: 2,stream-filter-size-bytes: 16,stream-max-segment-size-bytes: " +
		"5,target-group-size: 3"
	operatorKeys = "delayed-retry-max: 5,delayed-retry-min: 5,delayed-retry-type: all,delivery-limit: " +
		"5,expires: 5,max-in-memory-bytes: 5,max-in-memory-length: 5,max-length: 5,max-length-bytes: " +
		"5,message-ttl: 5,overflow: drop-head,queue-master-locator: random,queue-version: 2,target-group-size: 3"
)

func TestPolicyKeysOfServersAreKnown(t *testing.T) {
	file := "policies: [{name: p, pattern: a, definition: {" + policyKeys + "}}]\n" +
		"operator_policies: [{name: p, pattern: a, definition: {" + operatorKeys + "}}]"
	_, err := appfile.Parse(target, appfile.Source{Name: "p.yaml", Text: []byte(file)})
	assert.NoError(t, err)
}
