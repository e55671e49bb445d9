// Package logs merges what the containers of a stack have logged into one story, in the order of time.
package logs

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"warren/operate/cluster"
	"warren/topology"
)

// Line is a line that a container has logged.
type Line struct {
	Time time.Time `json:"time"`
	// Container is the container's name.
	Container string `json:"container"`
	Text      string `json:"text"`
}

// Containers are the names of a stack's containers: of all, or of one node and its helper.
func Containers(outputs topology.Outputs, node string) ([]string, error) {
	var names []string
	add := func(name string) {
		if name != "" {
			names = append(names, name)
		}
	}
	for _, n := range outputs.Nodes {
		if node == "" || node == n.Name {
			add(n.Container)
			add(n.Membership)
		}
	}
	switch {
	case node != "" && len(names) == 0:
		return nil, fmt.Errorf("%w: %q", cluster.ErrUnknownNode, node)
	case node != "":
		return names, nil
	}
	add(outputs.Formation)
	for _, balancer := range outputs.LoadBalancers {
		add(balancer.Container)
		add(balancer.Config)
	}
	if outputs.Monitoring != nil {
		add(outputs.Monitoring.Prometheus)
		add(outputs.Monitoring.Alertmanager)
		add(outputs.Monitoring.Grafana)
	}
	return names, nil
}

// Read gives the lines that containers have logged since a time to a function, in the order of time. A
// container that is not there is told to missing.
func Read(
	ctx context.Context, c *cluster.Cluster, containers []string, since time.Time,
	each func(Line) error, missing func(container string, err error),
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends what is still being read
	var sources []<-chan Line
	for _, name := range containers {
		body, err := c.DockerOf(name).ContainerLogs(ctx, name, container.LogsOptions{
			ShowStdout: true, ShowStderr: true, Timestamps: true, Since: since.Format(time.RFC3339Nano),
		})
		if err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			missing(name, err)
			continue
		}
		defer body.Close()
		text, writer := io.Pipe()
		go func() {
			_, err := stdcopy.StdCopy(writer, writer, body)
			writer.CloseWithError(err)
		}()
		context.AfterFunc(ctx, func() { _ = text.Close() })
		sources = append(sources, lines(ctx, name, text))
	}
	return merge(sources, each)
}

// longestLine is more than any line that a container should log. The engine cuts them at 16 KiB.
const longestLine = 1 << 20

// lines reads the lines of a container, each of which begins with its time.
func lines(ctx context.Context, name string, text io.Reader) <-chan Line {
	out := make(chan Line)
	go func() {
		defer close(out)
		scanner := bufio.NewScanner(text)
		scanner.Buffer(nil, longestLine)
		for scanner.Scan() {
			line, ok := parse(name, scanner.Text())
			if !ok {
				continue
			}
			select {
			case out <- line:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// parse takes the time off a line.
func parse(container, text string) (Line, bool) {
	stamp, rest, _ := strings.Cut(text, " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	return Line{at, container, strings.TrimRight(rest, "\r")}, err == nil
}

// merge gives the lines of sources, each of which is in order, to a function, in the order of all.
func merge(sources []<-chan Line, each func(Line) error) error {
	heads := make([]*Line, len(sources))
	next := func(i int) {
		heads[i] = nil
		if line, ok := <-sources[i]; ok {
			heads[i] = &line
		}
	}
	for i := range sources {
		next(i)
	}
	for {
		first := -1
		for i, head := range heads {
			if head != nil && (first < 0 || head.Time.Before(heads[first].Time)) {
				first = i
			}
		}
		if first < 0 {
			return nil
		}
		if err := each(*heads[first]); err != nil {
			return err
		}
		next(first)
	}
}
