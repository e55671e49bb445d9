package monitoring

// Dashboard is a page of panels. The same panels are a page of Grafana's and of `warren dashboard`.
type Dashboard struct {
	// Name is part of a file's name, Title for people.
	Name   string  `json:"name"`
	Title  string  `json:"title"`
	Panels []Panel `json:"panels"`
}

// Panel plots some expressions over time.
type Panel struct {
	Title string `json:"title"`
	// Help says in a sentence what to look for.
	Help    string  `json:"help"`
	Unit    Unit    `json:"unit"`
	Queries []Query `json:"queries"`
}

// Query is an expression of PromQL, and what its series are called: a template with labels, such as
// "{{node}}".
type Query struct {
	Expr   string `json:"expr"`
	Legend string `json:"legend"`
}

// Unit is what the values of a panel are.
type Unit string

// The units.
const (
	Count     Unit = "count"
	PerSecond Unit = "per second"
	Bytes     Unit = "bytes"
	ByteRate  Unit = "bytes per second"
	Seconds   Unit = "seconds"
)

// Dashboards are those of a stack.
func Dashboards(s Stack) []Dashboard {
	all := []Dashboard{
		{Name: "overview", Title: "Overview", Panels: overviewPanels()},
		{Name: "nodes", Title: "Nodes", Panels: nodePanels()},
		{Name: "queues", Title: "Queues", Panels: append(queuePanels(), chosenQueuePanels(s)...)},
		{Name: "load-balancer", Title: "Load balancer", Panels: balancerPanels()},
		{Name: "clients", Title: "Clients", Panels: clientPanels()},
	}
	for _, d := range all {
		for _, p := range d.Panels {
			for i, q := range p.Queries {
				p.Queries[i].Expr = s.scoped(q.Expr)
			}
		}
	}
	return all
}

// rate is the rate of a counter of all nodes together.
func rate(counter string) string { return `sum(rate(` + counter + `{job="rabbitmq"}[30s]))` }

func overviewPanels() []Panel {
	return []Panel{
		{
			Title: "Messages", Help: "Confirmed follows published. A gap is an outage.", Unit: PerSecond,
			Queries: []Query{
				{rate("rabbitmq_global_messages_received_total"), "published"},
				{rate("rabbitmq_global_messages_confirmed_total"), "confirmed"},
				{rate("rabbitmq_global_messages_delivered_total"), "delivered"},
				{rate("rabbitmq_global_messages_acknowledged_total"), "acknowledged"},
			},
		},
		{
			Title: "Messages in queues", Help: "What grows here is not consumed fast enough.", Unit: Count,
			Queries: []Query{{ready, "ready"}, {unacknowledged, "unacknowledged"}},
		},
		{
			Title: "Nodes that answer", Help: "A majority must be there for anything to be confirmed.", Unit: Count,
			Queries: []Query{
				{answering + ` or vector(0)`, "nodes"},
				{`sum(min by (server) (haproxy_server_status{job="haproxy",proxy="amqp",state="UP",server!~".*-minority"}))`,
					"taken for up by all load balancers"},
			},
		},
		{
			Title: "Connections", Help: "After a failure, clients move to the other nodes.", Unit: Count,
			Queries: []Query{{`rabbitmq_connections{job="rabbitmq"}`, "{{node}}"}},
		},
	}
}

func nodePanels() []Panel {
	return []Panel{
		{
			Title: "Memory", Help: "At the limit, publishers are blocked in the whole cluster.", Unit: Bytes,
			Queries: []Query{
				{`rabbitmq_process_resident_memory_bytes{job="rabbitmq"}`, "{{node}}"},
				{`min(rabbitmq_resident_memory_limit_bytes{job="rabbitmq"})`, "limit"},
			},
		},
		{
			Title: "Disk free", Help: "At the limit, publishers are blocked in the whole cluster.", Unit: Bytes,
			Queries: []Query{
				{`rabbitmq_disk_space_available_bytes{job="rabbitmq"}`, "{{node}}"},
				{`max(rabbitmq_disk_space_available_limit_bytes{job="rabbitmq"})`, "limit"},
			},
		},
		{
			Title: "Erlang run queue", Help: "Work that waits for a processor.", Unit: Count,
			Queries: []Query{{`erlang_vm_statistics_run_queues_length{job="rabbitmq"}`, "{{node}}"}},
		},
		{
			Title: "Links to peers", Help: "Each node is connected to all others. Fewer is a partition.", Unit: Count,
			Queries: []Query{{
				`count by (node) (erlang_vm_dist_node_state{job="rabbitmq",peer=~"rabbit@.*"} == 3)`, "{{node}}",
			}},
		},
		{
			Title: "Traffic between nodes", Help: "Replication, and messages on their way to leaders.", Unit: ByteRate,
			Queries: []Query{{
				`sum by (node) (rate(erlang_vm_dist_send_bytes{job="rabbitmq"}[30s]))`, "{{node}}",
			}},
		},
		{
			Title: "Time of a reading", Help: "How long a node takes to tell its metrics.", Unit: Seconds,
			Queries: []Query{{`scrape_duration_seconds{job="rabbitmq"}`, "{{node}}"}},
		},
	}
}

func queuePanels() []Panel {
	return []Panel{
		{
			Title: "Queues led", Help: "The leader of a queue does most of its work.", Unit: Count,
			Queries: []Query{{`rabbitmq_queues{job="rabbitmq"}`, "{{node}}"}},
		},
		{
			Title: "Bytes in queues", Help: "By the node that leads the queue.", Unit: Bytes,
			Queries: []Query{{`rabbitmq_queue_messages_bytes{job="rabbitmq"}`, "{{node}}"}},
		},
		{
			Title: "Dead letters", Help: "Messages that were dead-lettered or dropped, by the reason.",
			Unit: PerSecond,
			Queries: []Query{
				{rate("rabbitmq_global_messages_dead_lettered_rejected_total"), "rejected"},
				{rate("rabbitmq_global_messages_dead_lettered_expired_total"), "expired"},
				{rate("rabbitmq_global_messages_dead_lettered_maxlen_total"), "queue full"},
				{rate("rabbitmq_global_messages_dead_lettered_delivery_limit_total"), "delivered too often"},
			},
		},
		{
			Title: "Redelivered", Help: "Consumers that fail, or whose connections end.", Unit: PerSecond,
			Queries: []Query{{rate("rabbitmq_global_messages_redelivered_total"), "redelivered"}},
		},
	}
}

func balancerPanels() []Panel {
	const amqp = `{job="haproxy",proxy="amqp",server!~".*-minority"}`
	return []Panel{
		{
			Title: "Sessions", Help: "Where the load balancer has sent its clients.", Unit: Count,
			Queries: []Query{{`haproxy_server_current_sessions` + amqp, "{{server}}"}},
		},
		{
			Title: "Servers in use", Help: "Without any, clients get no confirms.", Unit: Count,
			Queries: []Query{{`haproxy_backend_active_servers{job="haproxy",proxy="amqp"}`, "{{balancer}}"}},
		},
		{
			Title: "New connections", Help: "A peak is a failure, from which clients move away.", Unit: PerSecond,
			Queries: []Query{{`rate(haproxy_frontend_connections_total{job="haproxy",proxy="amqp"}[30s])`,
				"{{balancer}}"}},
		},
		{
			Title: "Failed connections", Help: "Attempts to reach a node that failed, or were made once more.",
			Unit: PerSecond,
			Queries: []Query{
				{`sum(rate(haproxy_backend_connection_errors_total{job="haproxy",proxy="amqp"}[30s]))`, "failed"},
				{`sum(rate(haproxy_backend_retry_warnings_total{job="haproxy",proxy="amqp"}[30s]))`, "tried again"},
				{`sum(rate(haproxy_backend_redispatch_warnings_total{job="haproxy",proxy="amqp"}[30s]))`,
					"sent elsewhere"},
			},
		},
		{
			Title: "Traffic", Help: "Bytes to and from clients.", Unit: ByteRate,
			Queries: []Query{
				{`sum(rate(haproxy_frontend_bytes_in_total{job="haproxy",proxy="amqp"}[30s]))`, "from clients"},
				{`sum(rate(haproxy_frontend_bytes_out_total{job="haproxy",proxy="amqp"}[30s]))`, "to clients"},
			},
		},
	}
}

func clientPanels() []Panel {
	return []Panel{
		{
			Title: "Publishers and consumers", Help: "Channels that publish, and consumers.", Unit: Count,
			Queries: []Query{
				{`sum(rabbitmq_global_publishers{job="rabbitmq"})`, "publishers"}, {consumers, "consumers"},
			},
		},
		{
			Title: "Connections opened and closed", Help: "Clients that connect again and again are in trouble.",
			Unit: PerSecond,
			Queries: []Query{
				{rate("rabbitmq_connections_opened_total"), "opened"},
				{rate("rabbitmq_connections_closed_total"), "closed"},
			},
		},
		{
			Title: "Unroutable", Help: "Messages for which there is no queue.", Unit: PerSecond,
			Queries: []Query{
				{rate("rabbitmq_global_messages_unroutable_returned_total"), "returned"},
				{rate("rabbitmq_global_messages_unroutable_dropped_total"), "dropped"},
			},
		},
		{
			Title: "Failed logins", Help: "Wrong passwords, or users that are not there.", Unit: PerSecond,
			Queries: []Query{{rate("rabbitmq_auth_attempts_failed_total"), "failed"}},
		},
	}
}
