package appfile

import (
	"fmt"
	"slices"
	"strings"

	"warren/internal/suggest"
	"warren/topology"
	"warren/topology/application"
)

// longestName is how many bytes a name in AMQP 0-9-1 may have.
const longestName = 255

// check reports what is wrong with entries that are well-formed, each by itself and in what they refer to.
func (p *parser) check() {
	p.dropOwn()
	for _, e := range p.entries {
		if len(e.Text("name")) > longestName {
			p.problems.add(e.place("name"), string(e.Kind), fmt.Sprintf("has a name of %d bytes", len(e.Text("name"))),
				fmt.Sprintf("use at most %d", longestName))
			continue
		}
		if e.VHost != "" {
			p.vhostThere(e)
		}
		p.checkKind(e)
	}
}

func (p *parser) checkKind(e entry) {
	switch e.Kind {
	case application.VHost:
		p.vhost(e)
	case application.User:
		p.user(e)
	case application.VHostLimits:
		p.limits(e, "max-connections", "max-queues")
	case application.UserLimits:
		p.limits(e, "max-connections", "max-channels")
	case application.Permission, application.TopicPermission:
		p.permission(e)
	case application.Exchange:
		p.notReserved(e)
		p.exchange(e)
	case application.Queue:
		p.notReserved(e)
		p.queue(e)
	case application.Binding:
		p.binding(e)
	case application.Policy, application.OperatorPolicy:
		p.policy(e)
	case application.Parameter:
		p.parameter(e)
	}
}

// dropOwn leaves out the rights and limits of Warren's own users, which an export has.
func (p *parser) dropOwn() {
	mine := func(e entry) bool {
		user := e.Text("user")
		if e.Kind == application.UserLimits {
			user = e.Name
		}
		return user != "" && slices.Contains(p.own, user)
	}
	for _, e := range p.entries {
		if mine(e) {
			delete(p.seen, e.ID)
		}
	}
	p.entries = slices.DeleteFunc(p.entries, mine)
}

// names are the names of what the files have of a kind in a virtual host.
func (p *parser) names(kind application.Kind, vhost string) []string {
	var names []string
	for id := range p.seen {
		if id.Kind == kind && id.VHost == vhost {
			names = append(names, id.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (p *parser) has(id application.ID) bool { _, has := p.seen[id]; return has }

func (p *parser) vhostThere(e entry) {
	if e.VHost == topology.DefaultVirtualHost || p.has(application.ID{Kind: application.VHost, Name: e.VHost}) {
		return
	}
	vhosts := append(p.names(application.VHost, ""), topology.DefaultVirtualHost)
	p.problems.add(e.place("vhost"), e.String(), "names a virtual host that is not in the files",
		"add it to vhosts"+suggest.DidYouMean(e.VHost, vhosts))
}

// exchangeThere reports that an exchange which something refers to is not in the files.
func (p *parser) exchangeThere(at application.Position, by application.ID, does, exchange string) {
	if application.Predeclared(exchange) ||
		p.has(application.ID{Kind: application.Exchange, VHost: by.VHost, Name: exchange}) {
		return
	}
	p.problems.add(at, by.String(), fmt.Sprintf("%s the exchange %q, which is not in the files", does, exchange),
		"add it to exchanges"+suggest.DidYouMean(exchange, p.names(application.Exchange, by.VHost)))
}

// queueThere reports that a queue which something refers to is not in the files.
func (p *parser) queueThere(at application.Position, by application.ID, does, queue string) {
	if p.has(application.ID{Kind: application.Queue, VHost: by.VHost, Name: queue}) {
		return
	}
	p.problems.add(at, by.String(), fmt.Sprintf("%s the queue %q, which is not in the files", does, queue),
		"add it to queues"+suggest.DidYouMean(queue, p.names(application.Queue, by.VHost)))
}

func (p *parser) notReserved(e entry) {
	if strings.HasPrefix(e.Name, "amq.") {
		p.problems.add(e.place("name"), e.String(),
			"has a name that begins with \"amq.\", which RabbitMQ keeps for itself",
			"use another name, or leave it out")
	}
}

func (p *parser) vhost(e entry) {
	kind := e.Text("default_queue_type")
	if kind != "" && !slices.Contains(queueTypes, kind) {
		p.problems.add(e.place("default_queue_type"), e.String(),
			fmt.Sprintf("has the default_queue_type %q", kind),
			"write one of "+strings.Join(queueTypes, ", ")+suggest.DidYouMean(kind, queueTypes))
	}
}

func (p *parser) user(e entry) {
	where := e.String()
	if _, said := e.written["password"]; said {
		p.problems.add(e.place("password"), where, "has its password in the file",
			"remove it: the stack draws one; change a password that was in git")
	}
	switch {
	case e.Name == "guest":
		p.problems.add(e.place("name"), where, "is the user everybody tries first", "use another name")
	case slices.Contains(p.target.Reserved, e.Name), e.Name == topology.AgentUsername,
		e.Name == topology.LoadBalancerUsername:
		p.problems.add(e.place("name"), where, "is a user of the stack's own",
			"use another name; the stack's configuration has the administrator's name and password")
	}
	if hashing := e.Text(application.KeyHashing); hashing != "" &&
		!slices.Contains(application.Hashings, hashing) {
		p.problems.add(e.place(application.KeyHashing), where, fmt.Sprintf("has the hashing_algorithm %q", hashing),
			"write one of "+strings.Join(application.Hashings, ", ")+suggest.DidYouMean(hashing, application.Hashings))
	}
}

func (p *parser) permission(e entry) {
	user := e.Text("user")
	if !p.has(application.ID{Kind: application.User, Name: user}) {
		p.problems.add(e.place("user"), e.String(),
			fmt.Sprintf("names the user %q, which is not in the files", user),
			"add it to users"+suggest.DidYouMean(user, p.names(application.User, "")))
	}
	if exchange := e.Text("exchange"); e.Kind == application.TopicPermission && exchange != "" {
		p.exchangeThere(e.place("exchange"), e.ID, "names", exchange)
	}
}

func (p *parser) limits(e entry, known ...string) {
	at := e.place(application.KeyLimits)
	for key, limit := range e.Object(application.KeyLimits) {
		if !slices.Contains(known, key) {
			p.problems.add(at, e.String(), fmt.Sprintf("have the unknown limit %q", key),
				"write one of "+strings.Join(known, ", ")+suggest.DidYouMean(key, known))
		} else if _, ok := limit.(int64); !ok {
			p.problems.add(at, e.String(), fmt.Sprintf("have %s as %q", application.Canonical(limit), key),
				"write a whole number; a negative one is no limit")
		}
	}
}

// exchangeTypes are the types of exchanges, with the plugin that brings them.
var exchangeTypes = map[string]string{
	"direct": "", "fanout": "", "topic": "", "headers": "", "x-local-random": "",
	"x-consistent-hash": "rabbitmq_consistent_hash_exchange", "x-modulus-hash": "rabbitmq_sharding",
	"x-random": "rabbitmq_random_exchange", "x-recent-history": "rabbitmq_recent_history_exchange",
	"x-delayed-message": "rabbitmq_delayed_message_exchange", "x-jms-topic": "rabbitmq_jms_topic_exchange",
}

func (p *parser) exchange(e entry) {
	kind := e.Text("type")
	plugin, known := exchangeTypes[kind]
	switch {
	case !known:
		usual := []string{"direct", "fanout", "topic", "headers"}
		p.problems.add(e.place("type"), e.String(), fmt.Sprintf("has the unknown type %q", kind),
			"write one of "+strings.Join(usual, ", ")+suggest.DidYouMean(kind, usual))
	case plugin != "":
		p.pluginOn(e.place("type"), e.ID, "has the type "+kind, plugin)
	case kind == "x-local-random" && p.target.Series.Compare(topology.Series{Major: 4}) < 0:
		p.problems.add(e.place("type"), e.String(), "has the type x-local-random, which is known from 4.0 on",
			"use another type; the cluster runs "+p.target.Series.String())
	}
	written := e.written["arguments"].object
	for key, v := range e.Object("arguments") {
		at := e.At
		if m, ok := written[key]; ok {
			at = m.at
		}
		switch {
		case key == argAlternateExchange:
			p.exchangeThere(at, e.ID, "has as its alternate", application.Text(v))
		case plugin == "" && known:
			p.problems.add(at, e.String(), "has the argument "+key+", which RabbitMQ does not know",
				"remove it"+suggest.DidYouMean(key, []string{argAlternateExchange}))
		}
	}
}

// pluginOn reports that a plugin is needed that is not enabled.
func (p *parser) pluginOn(at application.Position, id application.ID, why, plugin string) {
	// A plugin's management extension enables the plugin.
	if slices.ContainsFunc(p.target.Plugins, func(on string) bool { return strings.HasPrefix(on, plugin) }) {
		return
	}
	p.problems.add(at, id.String(), why+", for which the plugin "+plugin+" is not enabled",
		"add it to warren:plugins")
}

// matches are the values of x-match.
var matches = []string{"all", "any", "all-with-x", "any-with-x"}

func (p *parser) binding(e entry) {
	p.exchangeThere(e.place("source"), e.ID, "begins at", e.Text("source"))
	destination := e.Text("destination")
	switch kind := e.Text("destination_type"); kind {
	case "queue":
		p.queueThere(e.place("destination"), e.ID, "leads to", destination)
	case "exchange":
		p.exchangeThere(e.place("destination"), e.ID, "leads to", destination)
	default:
		p.problems.add(e.place("destination_type"), e.String(), fmt.Sprintf("has the destination_type %q", kind),
			"write queue or exchange"+suggest.DidYouMean(kind, []string{"queue", "exchange"}))
	}
	if match, said := e.Object("arguments")["x-match"]; said &&
		!slices.Contains(matches, application.Text(match)) {
		p.problems.add(e.place("arguments"), e.String(), "has x-match "+application.Canonical(match),
			"write one of "+strings.Join(matches, ", ")+suggest.DidYouMean(application.Text(match), matches))
	}
}
