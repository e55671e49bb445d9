package monitoring

import "warren/topology/meaning"

func balancerRules(s Stack) []Rule {
	return []Rule{
		{
			Name:     "LoadBalancerDown",
			Expr:     `up{job="haproxy"} == 0`,
			For:      soon,
			Severity: Critical,
			Summary:  "Load balancer {{ $labels.balancer }} does not answer.",
			Means:    meaning.LoadBalancerDown,
			Fix:      []string{s.doctor(), logs, "docker start {{ $labels.container }}"},
		},
		{
			Name:     "NoServers",
			Expr:     `haproxy_backend_active_servers{job="haproxy",proxy="amqp"} == 0`,
			For:      soon,
			Severity: Critical,
			Summary:  "Load balancer {{ $labels.balancer }} has no node to send clients to.",
			Means: "No node is part of a majority, as the load balancer's checks see it. Clients are sent to nodes " +
				"that may not confirm anything.",
			Fix: []string{s.doctor(), logs},
		},
		{
			Name: "ServerDown",
			Expr: `max by (balancer, container, node) (label_replace(` +
				`haproxy_server_status{job="haproxy",proxy="amqp",state="UP",server!~".*-minority"},` +
				` "node", "$1", "server", "(.*)")) == 0 and on (node) up{job="rabbitmq"} == 1`,
			For:      afterRestart,
			Severity: Warning,
			Summary:  "Load balancer {{ $labels.balancer }} sends no clients to {{ $labels.node }}, which runs.",
			Means:    meaning.ServerDown,
			Fix:      []string{s.doctor(), logs},
		},
	}
}
