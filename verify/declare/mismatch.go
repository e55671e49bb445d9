package declare

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	planner "warren/agent/plan"
)

// MismatchError says that an exchange or queue is there with other properties than it should have. RabbitMQ
// cannot change them: it must be deleted and declared again, or have another name.
type MismatchError struct {
	// Kind is "exchange" or "queue".
	Kind, Name, VHost string
	// Differences are sorted by property.
	Differences []Difference
}

// Difference is a property that is not as it should be; what is not set is "-".
type Difference struct {
	Property, Wanted, Found string
}

func (e *MismatchError) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s %q in vhost %q is there with other properties:\n", e.Kind, e.Name, e.VHost)
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "  PROPERTY\tWANTED\tFOUND\n")
	for _, d := range e.Differences {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", d.Property, d.Wanted, d.Found)
	}
	_ = table.Flush() // a strings.Builder takes everything
	fmt.Fprintf(&text, "They cannot be changed. Delete it once it is empty")
	if e.Kind == "queue" {
		fmt.Fprintf(&text, " (rabbitmqctl delete_queue --vhost %s --if-empty -- %s)",
			planner.ShellQuote(e.VHost), planner.ShellQuote(e.Name))
	}
	fmt.Fprintf(&text, " and declare again, or leave it and use another name.")
	return text.String()
}

// properties are what makes two declarations equivalent, in JSON.
type properties map[string]string

func exchangeProperties(kind string, durable, autoDelete bool, arguments map[string]any) properties {
	p := queueProperties(durable, autoDelete, arguments)
	p["type"] = encode(kind)
	return p
}

func queueProperties(durable, autoDelete bool, arguments map[string]any) properties {
	p := properties{"durable": encode(durable), "auto_delete": encode(autoDelete)}
	for name, value := range arguments {
		p[name] = encode(value)
	}
	return p
}

// encode writes a value as JSON, in which 10000 is the same whether it was a Go integer or a number in an
// answer.
func encode(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value) // arguments come from JSON or Go literals; both can be encoded
	}
	return string(text)
}

// mismatch returns nil, or a *MismatchError with every difference.
func mismatch(kind, name, vhost string, wanted, found properties) error {
	var differences []Difference
	all := maps.Clone(wanted)
	maps.Copy(all, found)
	for _, property := range slices.Sorted(maps.Keys(all)) {
		if w, f := cmp.Or(wanted[property], "-"), cmp.Or(found[property], "-"); w != f {
			differences = append(differences, Difference{property, w, f})
		}
	}
	if len(differences) == 0 {
		return nil
	}
	return &MismatchError{kind, name, vhost, differences}
}
