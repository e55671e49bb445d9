// Command agent runs in the containers of a stack: it starts, watches and stops a node, looks after its
// membership, and after the formation of the cluster. It is one static binary without dependencies, and
// works in every image that has RabbitMQ.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"warren/agent/haproxy"
	"warren/agent/helper"
	"warren/agent/node"
	"warren/agent/observe"
	"warren/agent/peer"
	"warren/agent/plan"
	"warren/agent/rabbit"
	"warren/internal/wait"
	"warren/topology"
)

const usage = `usage: agent COMMAND

  run           does what the desired scope says, in environment variable ` + topology.DesiredVariable + `: runs a node,
                or looks after a membership or the formation
  wait          succeeds when what the agent in this container is to bring about is there, and fails when it is lost
                or refused; for the container's health check
  result        prints what the agent in this container has come to, as JSON
  look          prints what the cluster looks like, as JSON
  certificate   gives HAProxy, which runs in another container, the certificate in the volume that both share
  check         reads what is desired from standard input, as JSON, and prints the planner's decision about it
`

func main() {
	if len(os.Args) != 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	commands := map[string]func(context.Context) error{
		"run": run, "wait": waitFor, "result": result, "look": look, "check": check,
		"certificate": giveCertificate,
	}
	command, known := commands[os.Args[1]]
	if !known {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := command(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
}

// desired is what the container is for.
func desired() (plan.Desired, error) {
	var d plan.Desired
	if err := json.Unmarshal([]byte(os.Getenv(topology.DesiredVariable)), &d); err != nil {
		return d, fmt.Errorf("%s: %w", topology.DesiredVariable, err)
	}
	return d, nil
}

func run(ctx context.Context) error {
	if os.Geteuid() == 0 {
		if err := node.PrepareFiles(); err != nil {
			return err
		}
		return node.DropPrivileges()
	}
	d, err := desired()
	if err != nil {
		return err
	}
	cookie, err := readCookie()
	if err != nil {
		return err
	}
	log := slog.New(logHandler(os.Stdout))
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGTERM, syscall.SIGINT)
	switch d.Scope {
	case plan.ScopeStart:
		stop := make(chan struct{})
		go func() { <-told; close(stop) }()
		return node.New(d, cookie, log).Run(ctx, cookie, stop)
	case plan.ScopeMembership, plan.ScopeFormation:
		ctx, cancel := context.WithCancel(ctx)
		go func() { <-told; cancel() }()
		help(ctx, helper.New(d, cookie, log), d.Scope, cookie, log)
		return nil
	default:
		return fmt.Errorf("%s: no agent has the scope %q", topology.DesiredVariable, d.Scope)
	}
}

// logHandler writes the log in the format that the environment asks for.
func logHandler(w io.Writer) slog.Handler {
	if topology.LogFormat(os.Getenv(topology.LogFormatVariable)) == topology.LogJSON {
		return slog.NewJSONHandler(w, nil)
	}
	return slog.NewTextHandler(w, nil)
}

func help(ctx context.Context, h *helper.Helper, scope plan.Scope, cookie string, log *slog.Logger) {
	go func() {
		if err := h.Serve(context.WithoutCancel(ctx), cookie); err != nil {
			log.Error("other agents can't ask this one", "error", err)
		}
	}()
	if scope == plan.ScopeFormation {
		h.Formation(ctx)
		return
	}
	h.Membership(ctx)
}

func readCookie() (string, error) {
	text, err := os.ReadFile(topology.DataCookiePath)
	return strings.TrimSpace(string(text)), err
}

// look prints the view of the cluster.
func look(ctx context.Context) error {
	d, err := desired()
	if err != nil {
		return err
	}
	view, err := lookAt(ctx, d)
	if err != nil {
		return err
	}
	return print(view)
}

func lookAt(ctx context.Context, d plan.Desired) (plan.View, error) {
	cookie, err := readCookie()
	if err != nil {
		return plan.View{}, err
	}
	observer := observe.New(rabbit.New(cookie, rabbit.LocalTools{}, nil), peer.NewClient(cookie, nil),
		helper.Names(d))
	return observer.Look(ctx), nil
}

// giveCertificate gives HAProxy the certificate in the volume in place of the one that it has read before.
func giveCertificate(ctx context.Context) error {
	text, err := os.ReadFile(topology.LoadBalancerCertificatePath)
	if err != nil {
		return err
	}
	return haproxy.SetCertificate(ctx, topology.LoadBalancerSocketPath, topology.LoadBalancerCertificatePath,
		string(text))
}

// check prints the decision about what is desired.
func check(ctx context.Context) error {
	var d plan.Desired
	if err := json.NewDecoder(bufio.NewReader(os.Stdin)).Decode(&d); err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	view, err := lookAt(ctx, d)
	if err != nil {
		return err
	}
	return print(plan.Plan(view, d))
}

func print(value any) error { return json.NewEncoder(os.Stdout).Encode(value) }

// ask asks the agent in this container.
func ask(ctx context.Context, path string) ([]byte, error) {
	d, _ := desired() // without one there is no agent, and nothing answers
	url := fmt.Sprintf("http://127.0.0.1:%d%s", helper.Port(d.Scope), path)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(strings.TrimSpace(string(text)))
	}
	return text, err
}

// waitFor is the container's health check. The first returns when the work is done, each other when that is
// lost, or after a long time; the engine ends it if that is too long.
func waitFor(ctx context.Context) error {
	const tryEvery = 200 * time.Millisecond
	for {
		_, err := ask(ctx, "/health")
		var dialing *net.OpError
		if !errors.As(err, &dialing) || dialing.Op != "dial" {
			return err
		}
		// The agent has only started, and does not listen yet.
		if err := wait.Sleep(ctx, tryEvery); err != nil {
			return err
		}
	}
}

// result prints what the agent in this container has come to.
func result(ctx context.Context) error {
	text, err := ask(ctx, "/result")
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}
