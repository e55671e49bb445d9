package application

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"warren/topology"
)

// Change is what a cluster lacks, has otherwise, or has left over.
type Change struct {
	ID
	// Verb is what is to be done.
	Verb Verb
	// Differences are the properties that are not as they should be, sorted; for Update and Refuse.
	Differences []Difference
	// Want is what is to be there; for all but Remove.
	Want Item
}

// Verb is what a change asks for.
type Verb string

// What can be done, or why it is not done.
const (
	// Create declares what is not there.
	Create Verb = "create"
	// Update changes what is there with other properties.
	Update Verb = "update"
	// Remove deletes what an earlier file had and the files no longer have.
	Remove Verb = "remove"
	// Refuse says that what is there can't be changed: it would have to be deleted and made again.
	Refuse Verb = "refuse"
	// Restore gives a user back what somebody else took or changed since the last time.
	Restore Verb = "restore"
)

// Difference is a property that is not as it should be, in JSON; "-" is a property that is not set.
type Difference struct {
	Property string `json:"property"`
	Want     string `json:"want"`
	Found    string `json:"found"`
}

// Plan is what makes a cluster's topology what files say.
type Plan struct {
	// Changes are in the order in which they are to be done. Removals come last.
	Changes []Change
	// Present are those that are as they should be.
	Present []ID
}

// Of returns the changes with one of the verbs.
func (p Plan) Of(verbs ...Verb) []Change {
	return slices.DeleteFunc(slices.Clone(p.Changes), func(c Change) bool {
		return !slices.Contains(verbs, c.Verb)
	})
}

// Diff compares what is desired with what a cluster has. owned is what the cluster remembers of earlier
// declarations, and passwords has those of the users without a password hash. What neither the files nor
// owned name does not count.
func Diff(desired, actual *Application, owned Owned, passwords map[string]string) Plan {
	var plan Plan
	for _, want := range desired.Items {
		found, there := actual.Find(want.ID)
		change := Change{ID: want.ID, Want: want}
		switch {
		case want.Kind == User:
			change.Verb, change.Differences = judgeUser(want, found, there, owned, passwords)
		case !there:
			change.Verb = Create
		default:
			change.Differences = differences(want, found)
			if change.Verb = Update; immutable(want.Kind) {
				change.Verb = Refuse
			}
		}
		if change.Verb == Create || change.Verb == Restore || len(change.Differences) > 0 {
			plan.Changes = append(plan.Changes, change)
		} else {
			plan.Present = append(plan.Present, want.ID)
		}
	}
	for _, id := range slices.Backward(owned.IDs()) {
		_, wanted := desired.Find(id)
		isDefault := id.Kind == VHost && id.Name == topology.DefaultVirtualHost // it stays, whoever names it
		if _, there := actual.Find(id); there && !wanted && !isDefault {
			plan.Changes = append(plan.Changes, Change{ID: id, Verb: Remove})
		}
	}
	return plan
}

// immutable tells whether things of a kind can't be changed once they are there.
func immutable(kind Kind) bool { return kind == Exchange || kind == Queue }

// judgeUser says what is to be done about a user. What somebody else did since the last declaration, such as
// deleting the user or changing the password, is not undone like another difference: they had a reason.
func judgeUser(want, found Item, there bool, owned Owned, passwords map[string]string) (Verb, []Difference) {
	remembered, known := owned[want.ID]
	if !there {
		if known {
			return Restore, []Difference{{"user", "there", "deleted"}}
		}
		return Create, nil
	}
	unlike := differences(want, found)
	unlike = slices.DeleteFunc(unlike, func(d Difference) bool { return d.Property == KeyPasswordHash })
	hash := found.Text(KeyPasswordHash)
	if samePassword(want, hash, found.Text(KeyHashing), passwords) {
		return Update, unlike
	}
	// The values are not shown: a hash is nearly a secret.
	unlike = append(unlike, Difference{"password", "the stack's", "another"})
	if known && remembered != "" && remembered != Fingerprint(hash) {
		return Restore, unlike
	}
	return Update, unlike
}

// samePassword tells whether a hash that a cluster has is of the password that the user should have.
func samePassword(want Item, hash, hashing string, passwords map[string]string) bool {
	if wanted := want.Text(KeyPasswordHash); wanted != "" {
		return wanted == hash
	}
	password, drawn := passwords[want.Name]
	return !drawn || Verify(hash, hashing, password)
}

// differences are the properties that are wanted and found otherwise. A property that is not wanted may be
// anything: what a kind has a default for is always wanted.
func differences(want, found Item) []Difference {
	var unlike []Difference
	for _, key := range slices.Sorted(maps.Keys(want.Properties)) {
		wanted, is := want.Properties[key], found.Properties[key]
		inner, isObject := wanted.(map[string]any)
		if !isObject {
			unlike = append(unlike, difference(key, wanted, is)...)
			continue
		}
		there, _ := is.(map[string]any)
		all := maps.Clone(inner)
		maps.Copy(all, there)
		for _, part := range slices.Sorted(maps.Keys(all)) {
			is := there[part]
			if part == topology.QueueTypeArgument {
				if _, said := inner[part]; !said {
					continue // the virtual host's default applied when the queue was declared
				}
				if is == nil {
					is = topology.ClassicQueue
				}
			}
			unlike = append(unlike, difference(part, inner[part], is)...)
		}
	}
	return unlike
}

// difference compares one value.
func difference(key string, wanted, is any) []Difference {
	if Canonical(wanted) == Canonical(is) {
		return nil
	}
	return []Difference{{key, show(wanted), show(is)}}
}

// show writes a value for people, without the passwords in addresses.
func show(v any) string {
	if v == nil {
		return "-"
	}
	return Canonical(mapText(v, func(s string) string {
		if !strings.HasPrefix(s, "amqp") {
			return s
		}
		return HidePassword(s, "PASSWORD")
	}))
}

// Summary counts the changes in words: "2 to create, 1 to update".
func (p Plan) Summary() string {
	counts := map[Verb]int{}
	for _, change := range p.Changes {
		counts[change.Verb]++
	}
	var parts []string
	for _, part := range []struct {
		verb Verb
		word string
	}{
		{Create, "to create"}, {Update, "to update"}, {Refuse, "that can't be changed"},
		{Restore, "changed by somebody else"}, {Remove, "to remove"},
	} {
		if n := counts[part.verb]; n > 0 {
			parts = append(parts, Canonical(n)+" "+part.word)
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing to do")
}
