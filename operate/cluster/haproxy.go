package cluster

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"warren/topology"
)

// Server is one server of one of the load balancer's proxies, as its statistics tell.
type Server struct {
	// Proxy is the section of haproxy.cfg, and Mode what it carries: "tcp" (AMQP) or "http" (management).
	Proxy string `json:"proxy"`
	Mode  string `json:"mode"`
	// Name is the node's host name.
	Name string `json:"name"`
	// Status is "UP", "DOWN", "UP 1/3" (up, and checks have begun to fail), "MAINT", ...
	Status string `json:"status"`
	// Check is what the last health check found, such as "L4CON" or "Layer4 check passed".
	Check string `json:"check"`
	// Agent is what the node's agent said about the node last, such as "ready down (it has no majority)"; empty
	// if it is not asked.
	Agent string `json:"agent,omitempty"`
	// Sessions are those open now; SessionsTotal those since the load balancer started.
	Sessions      int `json:"sessions"`
	SessionsTotal int `json:"sessionsTotal"`
}

// Up tells whether the load balancer sends connections to the server.
func (s Server) Up() bool { return s.Status == "UP" || strings.HasPrefix(s.Status, "UP ") }

// Why says what the load balancer found out about the server: its agent's word if that is what counts, or the
// last check.
func (s Server) Why() string {
	if strings.Contains(s.Status, "agent") && s.Agent != "" {
		return s.Agent
	}
	return s.Check
}

// Servers returns the servers of all proxies of the first load balancer.
func (c *Cluster) Servers(ctx context.Context) ([]Server, error) {
	return c.ServersOf(ctx, c.outputs.LoadBalancer)
}

// ServersOf returns the servers of all proxies of a load balancer.
func (c *Cluster) ServersOf(ctx context.Context, balancer topology.LoadBalancerOutput) ([]Server, error) {
	page, err := c.statsURL(balancer)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, page+";csv", nil)
	if err != nil {
		return nil, fmt.Errorf("stack output statsUrl: %w", err)
	}
	request.SetBasicAuth(c.outputs.Username, c.outputs.StatsPassword)
	response, err := c.http.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("read HAProxy's statistics at %s: %w", page, err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read HAProxy's statistics at %s: %s", page, response.Status)
	}
	servers, err := parseServers(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read HAProxy's statistics at %s: %w", page, err)
	}
	return servers, nil
}

// statsURL is the statistics page of a load balancer: that of the stack's outputs, on the load balancer's
// host.
func (c *Cluster) statsURL(balancer topology.LoadBalancerOutput) (string, error) {
	page, err := url.Parse(c.outputs.StatsURL)
	if err != nil {
		return "", fmt.Errorf("stack output statsUrl: %w", err)
	}
	if balancer.Host != "" {
		page.Host = c.address(balancer.Host, balancer.StatsPort)
	}
	return page.String(), nil
}

// parseServers reads the CSV format of HAProxy's statistics (management guide, section 9.1).
func parseServers(r io.Reader) ([]Server, error) {
	reader := csv.NewReader(r)
	reader.LazyQuotes = true // check descriptions are free text
	header, err := reader.Read()
	if err != nil {
		return nil, fmt.Errorf("CSV header: %w", err)
	}
	column := make(map[string]int, len(header))
	for i, name := range header {
		column[strings.TrimPrefix(name, "# ")] = i
	}
	for _, name := range []string{"pxname", "svname", "type", "mode", "status", "scur", "stot", "check_status"} {
		if _, found := column[name]; !found {
			return nil, fmt.Errorf("CSV has no column %q", name)
		}
	}
	const typeServer = "2" // 0 is a frontend, 1 a backend, 3 a listening socket
	var servers []Server
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return servers, nil
		}
		if err != nil {
			return nil, fmt.Errorf("CSV: %w", err)
		}
		if record[column["type"]] != typeServer {
			continue
		}
		server := Server{
			Proxy:  record[column["pxname"]],
			Mode:   record[column["mode"]],
			Name:   record[column["svname"]],
			Status: record[column["status"]],
			Check:  record[column["check_status"]],
		}
		if i, told := column["last_agt"]; told {
			server.Agent = record[i]
		}
		if server.Sessions, err = strconv.Atoi(record[column["scur"]]); err != nil {
			return nil, fmt.Errorf("CSV: sessions of %s/%s: %w", server.Proxy, server.Name, err)
		}
		if server.SessionsTotal, err = strconv.Atoi(record[column["stot"]]); err != nil {
			return nil, fmt.Errorf("CSV: total sessions of %s/%s: %w", server.Proxy, server.Name, err)
		}
		servers = append(servers, server)
	}
}
