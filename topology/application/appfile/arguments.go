package appfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"warren/internal/suggest"
	"warren/topology"
	"warren/topology/application"
)

const (
	argOverflow           = "x-overflow"
	argDeadLetterExchange = "x-dead-letter-exchange"
	argDeadLetterKey      = "x-dead-letter-routing-key"
	argDeadLetterStrategy = "x-dead-letter-strategy"
	argAlternateExchange  = "alternate-exchange"
)

// argument is what is known of an argument, or of a key of a policy.
type argument struct {
	form application.Form
	// least is the least number that is taken; most the largest, or 0.
	least, most int64
	// values are the words that are taken, if not any.
	values []string
	// queues are the types of queues that know the argument.
	queues []string
	// since and until are the first and the last series that know it; zero for all.
	since, until topology.Series
}

// series43 is the first series with delayed retries.
var series43 = topology.Series{Major: 4, Minor: 3}

var queueTypes = []string{topology.ClassicQueue, topology.QuorumQueue, topology.StreamQueue}

// queueArguments are the arguments of queues, as the servers' own modules list them
// (rabbit_classic_queue, rabbit_quorum_queue, rabbit_stream_queue: capabilities/0).
var queueArguments = map[string]argument{
	topology.QueueTypeArgument: {form: application.FormText, values: queueTypes, queues: queueTypes},
	"x-expires": {form: application.FormNumber, least: 1,
		queues: []string{topology.ClassicQueue, topology.QuorumQueue}},
	"x-message-ttl": {form: application.FormNumber,
		queues: []string{topology.ClassicQueue, topology.QuorumQueue}},
	"x-max-length": {form: application.FormNumber,
		queues: []string{topology.ClassicQueue, topology.QuorumQueue}},
	"x-max-length-bytes": {form: application.FormNumber, queues: queueTypes},
	argOverflow: {form: application.FormText,
		values: []string{"drop-head", "reject-publish", "reject-publish-dlx"},
		queues: []string{topology.ClassicQueue, topology.QuorumQueue}},
	argDeadLetterExchange: {form: application.FormText,
		queues: []string{topology.ClassicQueue, topology.QuorumQueue}},
	argDeadLetterKey: {form: application.FormText,
		queues: []string{topology.ClassicQueue, topology.QuorumQueue}},
	argDeadLetterStrategy: {form: application.FormText, values: []string{"at-most-once", "at-least-once"},
		queues: []string{topology.QuorumQueue}},
	"x-single-active-consumer": {form: application.FormFlag,
		queues: []string{topology.ClassicQueue, topology.QuorumQueue}},
	"x-max-priority": {form: application.FormNumber, least: 1, most: 255,
		queues: []string{topology.ClassicQueue}},
	"x-queue-mode": {form: application.FormText, values: []string{"default", "lazy"},
		queues: []string{topology.ClassicQueue}},
	"x-queue-version": {form: application.FormNumber, least: 1, most: 2,
		queues: []string{topology.ClassicQueue}},
	"x-queue-master-locator": {form: application.FormText,
		values: []string{"min-masters", "client-local", "random"},
		queues: []string{topology.ClassicQueue}},
	"x-queue-leader-locator": {form: application.FormText, queues: queueTypes,
		values: []string{"client-local", "balanced", "random", "least-leaders"}},
	"x-quorum-initial-group-size": {form: application.FormNumber, least: 1,
		queues: []string{topology.QuorumQueue}},
	"x-quorum-target-group-size": {form: application.FormNumber, least: 1,
		queues: []string{topology.QuorumQueue},
		since:  topology.Series{Major: 3, Minor: 13}},
	"x-delivery-limit":       {form: application.FormNumber, least: -1, queues: []string{topology.QuorumQueue}},
	"x-max-in-memory-length": {form: application.FormNumber, queues: []string{topology.QuorumQueue}},
	"x-max-in-memory-bytes":  {form: application.FormNumber, queues: []string{topology.QuorumQueue}},
	"x-consumer-timeout": {form: application.FormNumber, least: 1,
		queues: []string{topology.ClassicQueue, topology.QuorumQueue},
		since:  topology.Series{Major: 3, Minor: 12}},
	"x-consumer-disconnected-timeout": {form: application.FormNumber, queues: []string{topology.QuorumQueue},
		since: series43},
	"x-delayed-retry-type": {form: application.FormText, queues: []string{topology.QuorumQueue},
		since: series43},
	"x-delayed-retry-min": {form: application.FormNumber, queues: []string{topology.QuorumQueue},
		since: series43},
	"x-delayed-retry-max": {form: application.FormNumber, queues: []string{topology.QuorumQueue},
		since: series43},
	"x-max-age": {form: application.FormText, queues: []string{topology.StreamQueue}},
	"x-stream-max-segment-size-bytes": {form: application.FormNumber, least: 1,
		queues: []string{topology.StreamQueue}},
	"x-initial-cluster-size": {form: application.FormNumber, least: 1, queues: []string{topology.StreamQueue}},
	"x-stream-filter-size-bytes": {form: application.FormNumber, least: 16, most: 255,
		queues: []string{topology.StreamQueue},
		since:  topology.Series{Major: 3, Minor: 13}},
}

// known tells whether a series knows the argument, and if not, why.
func (a argument) known(series topology.Series) (bool, string) {
	var none topology.Series
	switch {
	case a.since != none && series.Compare(a.since) < 0:
		return false, "is known from " + a.since.String() + " on"
	case a.until != none && series.Compare(a.until) > 0:
		return false, "is known up to " + a.until.String()
	}
	return true, ""
}

// judge says what is wrong with a value, and what to write; nothing if it is right.
func (a argument) judge(v any) (wrong, remedy string) {
	if _, ok := (application.Field{Form: a.form}).Read(v); !ok {
		return "is " + application.Canonical(v), "write " + string(a.form)
	}
	if n, isNumber := v.(int64); isNumber && (n < a.least || a.most > 0 && n > a.most) {
		if a.most > 0 {
			return fmt.Sprintf("is %d", n), fmt.Sprintf("write a number from %d to %d", a.least, a.most)
		}
		return fmt.Sprintf("is %d", n), fmt.Sprintf("write a number from %d on", a.least)
	}
	if s, isText := v.(string); isText && len(a.values) > 0 && !slices.Contains(a.values, s) {
		return fmt.Sprintf("is %q", s),
			"write one of " + strings.Join(a.values, ", ") + suggest.DidYouMean(s, a.values)
	}
	return "", ""
}

// queue reports what is wrong with a queue's arguments.
func (p *parser) queue(e entry) {
	where := e.String()
	arguments := e.Object("arguments")
	written := e.written["arguments"].object
	at := func(key string) application.Position {
		if m, ok := written[key]; ok {
			return m.at
		}
		return e.At
	}
	kind := e.QueueType()
	if kind == "" {
		kind = p.defaultQueueType(e.VHost)
	}
	for _, key := range slices.Sorted(maps.Keys(arguments)) {
		a, known := queueArguments[key]
		named := "has the argument " + key
		if !known {
			p.problems.add(at(key), where, named+", which RabbitMQ does not know",
				"remove it"+suggest.DidYouMean(key, slices.Sorted(maps.Keys(queueArguments))))
			continue
		}
		if ok, why := a.known(p.target.Series); !ok {
			p.problems.add(at(key), where, named+", which "+why,
				"remove it; the cluster runs "+p.target.Series.String())
			continue
		}
		if wrong, remedy := a.judge(arguments[key]); wrong != "" {
			p.problems.add(at(key), where, named+", which "+wrong, remedy)
			continue
		}
		if slices.Contains(queueTypes, kind) && !slices.Contains(a.queues, kind) {
			p.problems.add(at(key), where, named+", which a "+kind+" queue does not have",
				"remove it, or write "+topology.QueueTypeArgument+": "+a.queues[0])
		}
	}
	p.contradictions(e, kind, at)
	p.deadLetters(e, at)
}

// defaultQueueType is the type of queues that don't say theirs; "" if files don't tell.
func (p *parser) defaultQueueType(vhost string) string {
	if item, ok := p.seen[application.ID{Kind: application.VHost, Name: vhost}]; ok {
		if kind := item.Text("default_queue_type"); kind != "" {
			return kind
		}
	}
	return ""
}

// contradictions reports arguments that exclude each other.
func (p *parser) contradictions(e entry, kind string, at func(string) application.Position) {
	where, arguments := e.String(), e.Object("arguments")
	if kind == topology.QuorumQueue || kind == topology.StreamQueue {
		if durable, _ := e.Properties["durable"].(bool); !durable {
			p.problems.add(e.place("durable"), where, "is a "+kind+" queue and not durable",
				"remove `durable: false`, or write "+topology.QueueTypeArgument+": classic")
		}
		if autoDelete, _ := e.Properties["auto_delete"].(bool); autoDelete {
			p.problems.add(e.place("auto_delete"), where, "is a "+kind+" queue that is to be deleted automatically",
				"remove `auto_delete: true`, or write "+topology.QueueTypeArgument+": classic")
		}
	}
	overflow, exchange := application.Text(arguments[argOverflow]), arguments[argDeadLetterExchange]
	if kind == topology.QuorumQueue && overflow == "reject-publish-dlx" {
		p.problems.add(at(argOverflow), where, "is a quorum queue with x-overflow reject-publish-dlx",
			"write drop-head or reject-publish")
	}
	if _, said := arguments[argDeadLetterKey]; said && exchange == nil {
		p.problems.add(at(argDeadLetterKey), where, "has a dead-letter routing key and no dead-letter exchange",
			"add "+argDeadLetterExchange)
	}
	if application.Text(arguments[argDeadLetterStrategy]) == "at-least-once" {
		if exchange == nil {
			p.problems.add(at(argDeadLetterStrategy), where,
				"dead-letters at least once and has no dead-letter exchange", "add "+argDeadLetterExchange)
		}
		if overflow != "reject-publish" {
			p.problems.add(at(argDeadLetterStrategy), where,
				"dead-letters at least once, which RabbitMQ does only with x-overflow reject-publish",
				"add `x-overflow: reject-publish`")
		}
	}
}

// deadLetters reports a dead-letter exchange that is not there: RabbitMQ would drop the messages silently.
func (p *parser) deadLetters(e entry, at func(string) application.Position) {
	arguments := e.Object("arguments")
	exchange, said := arguments[argDeadLetterExchange].(string)
	switch {
	case !said:
	case exchange != "":
		p.exchangeThere(at(argDeadLetterExchange), e.ID, "dead-letters to", exchange)
	case application.Text(arguments[argDeadLetterKey]) != "":
		// The default exchange routes to the queue of that name.
		p.queueThere(at(argDeadLetterKey), e.ID, "dead-letters to", application.Text(arguments[argDeadLetterKey]))
	}
}
