package application

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	definition "warren/topology/application"
)

// together is how many changes of a kind are made at the same time.
const together = 8

// Options are what an operator wants done beyond declaring what is missing.
type Options struct {
	// Passwords are those of the users without a password hash.
	Passwords map[string]string
	// Prune removes what an earlier declaration had and this one does not.
	Prune bool
	// RestoreUsers gives users back what somebody else took or changed.
	RestoreUsers bool
}

// Result is what became of one thing.
type Result struct {
	definition.ID
	// Done says what was done.
	Done Outcome `json:"done"`
	// Reason says why something was left as it is.
	Reason string `json:"reason,omitempty"`
	// Differences are the properties that were, or are, not as they should be.
	Differences []definition.Difference `json:"differences,omitempty"`
}

// Outcome is what was done about a thing.
type Outcome string

// The outcomes.
const (
	Present Outcome = "present"
	Created Outcome = "created"
	Updated Outcome = "updated"
	Removed Outcome = "removed"
	// Left is for what is not as the files say, and was left so.
	Left Outcome = "left"
)

// Apply makes a cluster have what an application desires. It changes nothing if something there can't be
// changed, a password is missing, or what is to be pruned is in use; the error then says what and how to go
// on.
func (s *State) Apply(
	ctx context.Context, desired *definition.Application, options Options,
) ([]Result, error) {
	plan := definition.Diff(desired, s.Actual, s.Owned, options.Passwords)
	if err := s.permit(ctx, plan, options); err != nil {
		return nil, err
	}
	var left []definition.Change
	run := &run{state: s, options: options, hashes: map[string]string{}}
	for _, id := range plan.Present {
		run.results = append(run.results, Result{ID: id, Done: Present})
	}
	for _, kind := range definition.Kinds {
		var now []definition.Change
		for _, change := range plan.Changes {
			switch {
			case change.Kind != kind || change.Verb == definition.Remove:
			case change.Verb == definition.Restore && !options.RestoreUsers, run.lacksUser(change):
				run.leave(change)
				left = append(left, change)
			default:
				now = append(now, change)
			}
		}
		if err := run.all(ctx, now); err != nil {
			return run.results, err
		}
	}
	removals := plan.Of(definition.Remove)
	if !options.Prune {
		for _, change := range removals {
			run.leave(change)
		}
		left = append(left, removals...)
	} else if err := run.removeAll(ctx, removals); err != nil {
		return run.results, err
	}
	return run.results, s.remember(ctx, plan, left, run.hashes)
}

// permit refuses a plan that can't be carried out in full.
func (s *State) permit(ctx context.Context, plan definition.Plan, options Options) error {
	var refusals []error
	for _, change := range plan.Of(definition.Refuse) {
		refusals = append(refusals, &UnchangeableError{change})
	}
	for _, change := range plan.Changes {
		fresh := change.Verb == definition.Create || change.Verb == definition.Restore && options.RestoreUsers
		if _, hashed := change.Want.Properties["password_hash"]; change.Kind != definition.User ||
			!fresh || hashed {
			continue
		}
		if options.Passwords[change.Name] == "" {
			refusals = append(refusals, errNoPassword(change.Name, s.cluster.Stack()))
		}
	}
	if options.Prune {
		removals := plan.Of(definition.Remove)
		if len(removals) > 0 {
			uses, err := s.uses(ctx, removals)
			if err != nil {
				return err
			}
			refusals = append(refusals, uses...)
		}
	}
	if len(refusals) > 0 {
		return fmt.Errorf("nothing was changed:\n%w", errors.Join(refusals...))
	}
	return nil
}

// UnchangeableError says that an exchange or a queue is there with properties that RabbitMQ can't change.
type UnchangeableError struct {
	Change definition.Change
}

func (e *UnchangeableError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s is there with properties that can't be changed:", e.Change.Want.At, e.Change.ID)
	for _, d := range e.Change.Differences {
		fmt.Fprintf(&b, "\n    %s is %s, the file says %s", d.Property, d.Found, d.Want)
	}
	if e.Change.Kind == definition.Exchange {
		b.WriteString("\n  Declare an exchange with another name, bind it as this one, let publishers move, and " +
			"remove this one.")
		return b.String()
	}
	fmt.Fprintf(&b, "\n  Either delete the queue once it is empty and unused, and declare again,")
	fmt.Fprintf(&b, "\n  or declare a queue with another name and move the messages to it: "+
		"docs/application.md, \"What can't be changed\".")
	return b.String()
}

// run is an application being applied.
type run struct {
	state   *State
	options Options
	results []Result
	// hashes are the hashes of the passwords that users have now.
	hashes map[string]string
	// missing are the users that were not restored.
	missing []string
}

// lacksUser tells whether a change needs a user that somebody deleted and that is not to come back.
func (r *run) lacksUser(change definition.Change) bool {
	user := text(change.Want.Properties["user"])
	if change.Kind == definition.UserLimits {
		user = change.Name
	}
	return user != "" && slices.Contains(r.missing, user)
}

// leave reports a change that is not made.
func (r *run) leave(change definition.Change) {
	reason := "the files no longer have it: --prune removes it"
	switch {
	case change.Verb == definition.Restore &&
		slices.ContainsFunc(change.Differences, func(d definition.Difference) bool {
			return d.Property == "user"
		}):
		r.missing = append(r.missing, change.Name)
		reason = "somebody deleted it: --restore-users brings it back"
	case change.Verb == definition.Restore:
		reason = "somebody changed its password: --restore-users sets the stack's again"
	case change.Verb != definition.Remove:
		reason = "its user was deleted by somebody"
	}
	r.results = append(r.results,
		Result{ID: change.ID, Done: Left, Reason: reason, Differences: change.Differences})
}

// all makes changes of one kind, some at the same time. It reports them in their order.
func (r *run) all(ctx context.Context, changes []definition.Change) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(together)
	requests := make([][]request, len(changes))
	for i, change := range changes {
		requests[i] = put(change.Want, r.state.Actual, r.hash(change))
	}
	for i, change := range changes {
		group.Go(func() error {
			if err := r.state.send(ctx, requests[i]...); err != nil {
				return fmt.Errorf("declare %s: %w", change.ID, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, change := range changes {
		done := Updated
		if change.Verb == definition.Create {
			done = Created
		}
		r.results = append(r.results, Result{ID: change.ID, Done: done, Differences: change.Differences})
	}
	return nil
}

// removeAll removes things kind by kind, in the opposite of the order in which they are declared.
func (r *run) removeAll(ctx context.Context, removals []definition.Change) error {
	r.state.removing = map[definition.ID]bool{}
	for _, change := range removals {
		r.state.removing[change.ID] = true
	}
	for _, kind := range slices.Backward(definition.Kinds) {
		group, ctx := errgroup.WithContext(ctx)
		group.SetLimit(together)
		var done []Result
		for _, change := range removals {
			if change.Kind != kind {
				continue
			}
			item, _ := r.state.Actual.Find(change.ID)
			group.Go(func() error {
				if err := r.state.remove(ctx, item); err != nil {
					return fmt.Errorf("remove %s: %w", item.ID, err)
				}
				return nil
			})
			done = append(done, Result{ID: change.ID, Done: Removed})
		}
		if err := group.Wait(); err != nil {
			return err
		}
		r.results = append(r.results, done...)
	}
	return nil
}

// hash is the hash of the password that a user is to have: the file's, that of the stack's password, or the
// one that the user has, if only something else is to change.
func (r *run) hash(change definition.Change) string {
	if change.Kind != definition.User {
		return ""
	}
	hash := text(change.Want.Properties["password_hash"])
	if password, drawn := r.options.Passwords[change.Name]; hash == "" && drawn {
		hash = definition.Hash(password)
	}
	if found, there := r.state.Actual.Find(change.ID); hash == "" && there {
		hash = text(found.Properties["password_hash"])
	}
	r.hashes[change.Name] = hash
	return hash
}

// remember writes what is owned now into the cluster, if it is not what it remembers.
func (s *State) remember(
	ctx context.Context, plan definition.Plan, left []definition.Change, hashes map[string]string,
) error {
	for _, user := range s.Actual.Of(definition.User) {
		if _, changed := hashes[user.Name]; !changed {
			hashes[user.Name] = text(user.Properties["password_hash"])
		}
	}
	owned := s.Owned.Remember(plan, left, hashes)
	if fmt.Sprint(owned) == fmt.Sprint(s.Owned) {
		return nil
	}
	value := map[string]any{"name": definition.OwnersParameter, "value": owned}
	err := s.send(ctx, request{http.MethodPut, pathOf("global-parameters", definition.OwnersParameter), value})
	if err != nil {
		return fmt.Errorf("remember what was declared: %w", err)
	}
	return nil
}
