package application

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"warren/operate/cluster"
	"warren/topology"
	definition "warren/topology/application"
)

// InUseError says that something is not to be removed, and why.
type InUseError struct {
	ID definition.ID
	// Why has at least one reason.
	Why []string
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("%s is not removed: it %s", e.ID, strings.Join(e.Why, ", and "))
}

// uses returns an *InUseError for each thing whose removal would lose messages, take a queue from its
// consumers, or take along what the files never named.
func (s *State) uses(ctx context.Context, removals []definition.Change) ([]error, error) {
	going := map[definition.ID]bool{}
	for _, removal := range removals {
		going[removal.ID] = true
	}
	var refusals []error
	live := lookers{state: s}
	defer live.close()
	for _, removal := range removals {
		var why []string
		var err error
		switch removal.Kind {
		case definition.Queue:
			why, err = s.usesOfQueue(ctx, &live, removal.ID, s.shovelsFrom(removal.ID, going))
		case definition.Exchange:
			why = s.usesOfExchange(removal.ID, going)
		case definition.VHost:
			why = s.usesOfVHost(removal.ID, going)
		}
		if err != nil {
			return nil, err
		}
		if len(why) > 0 {
			refusals = append(refusals, &InUseError{removal.ID, why})
		}
	}
	return refusals, nil
}

// shovelsFrom counts the shovels that go and consume from a queue of their virtual host. They go before it.
func (s *State) shovelsFrom(queue definition.ID, going map[definition.ID]bool) int {
	n := 0
	for _, parameter := range s.Actual.Of(definition.Parameter) {
		value, _ := parameter.Properties["value"].(map[string]any)
		if going[parameter.ID] && parameter.VHost == queue.VHost && text(value["src-queue"]) == queue.Name {
			n++
		}
	}
	return n
}

// usesOfQueue asks the queue itself, and the statistics, which also count what consumers hold. Consumers of
// shovels that are removed too are not counted.
func (s *State) usesOfQueue(
	ctx context.Context, live *lookers, id definition.ID, shovels int,
) ([]string, error) {
	var queue struct {
		Messages  int `json:"messages"`
		Consumers int `json:"consumers"`
	}
	// Not with ?columns=: a queue without statistics yet would be answered as an empty list, not as an object.
	err := s.cluster.GetWithin(ctx, s.node, changeTimeout, pathOf("queues", id.VHost, id.Name), &queue)
	var status *cluster.StatusError
	if errors.As(err, &status) && status.Code == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", id, err)
	}
	messages, consumers, err := live.ask(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("look into %s: %w", id, err) // what can't be seen is not taken for empty
	}
	var why []string
	if messages = max(messages, queue.Messages); messages > 0 {
		why = append(why, "holds "+count(messages, "message"))
	}
	if consumers = max(consumers, queue.Consumers) - shovels; consumers > 0 {
		why = append(why, "has "+count(consumers, "consumer"))
	}
	return why, nil
}

// usesOfExchange finds bindings that the files never had.
func (s *State) usesOfExchange(id definition.ID, going map[definition.ID]bool) []string {
	others := 0
	for _, binding := range s.Actual.Of(definition.Binding) {
		touches := text(binding.Properties["source"]) == id.Name ||
			text(binding.Properties["destination_type"]) == "exchange" &&
				text(binding.Properties["destination"]) == id.Name
		if binding.VHost == id.VHost && touches && !going[binding.ID] {
			others++
		}
	}
	if others == 0 {
		return nil
	}
	return []string{"has " + count(others, "binding") + " that the files never named"}
}

// usesOfVHost finds what is in a virtual host and was never in the files, but for the rights of the
// administrator and of Warren's own users.
func (s *State) usesOfVHost(id definition.ID, going map[definition.ID]bool) []string {
	var why []string
	actual := s.Actual.Portable(nil, topology.ManagedTag) // what RabbitMQ made for itself goes with the rest
	for _, kind := range definition.Kinds {
		others := 0
		for _, item := range actual.Of(kind) {
			if item.VHost == id.Name && !going[item.ID] && kind != definition.Permission {
				others++
			}
		}
		if others > 0 {
			why = append(why, "has "+count(others, string(kind))+" that the files never named")
		}
	}
	return why
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "y") {
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
