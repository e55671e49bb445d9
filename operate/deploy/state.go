package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
)

// A stack's state as Pulumi exports it. Whatever is not named here stays as it is.
type (
	stateFile struct {
		Version    int             `json:"version"`
		Deployment stateDeployment `json:"deployment"`
	}
	// stateDeployment has all fields of a deployment by their names.
	stateDeployment map[string]json.RawMessage
	// stateResource has all fields of a resource by their names.
	stateResource map[string]any
)

// The fields of a deployment that are changed here.
const (
	stateResources = "resources"
	statePending   = "pending_operations"
)

// text is a field of a resource that is a text.
func (r stateResource) text(field string) string {
	text, _ := r[field].(string)
	return text
}

// list reads a list of a deployment.
func (d stateDeployment) list(field string) ([]stateResource, error) {
	if len(d[field]) == 0 {
		return nil, nil
	}
	var list []stateResource
	decoder := json.NewDecoder(bytes.NewReader(d[field]))
	decoder.UseNumber() // so that numbers are written as they were
	return list, decoder.Decode(&list)
}

func (d stateDeployment) setList(field string, list []stateResource) error {
	text, err := json.Marshal(list)
	if err == nil {
		d[field] = text
	}
	return err
}

// export reads the stack's state, whose secrets stay encrypted; Workspace.ExportStack would decrypt them. The
// stack must be unlocked: a run that ends meanwhile leaves nothing of what it had begun.
func (s *Stack) export(ctx context.Context) (stateFile, error) {
	var state stateFile
	text, said, _, err := s.scratch.PulumiCommand().Run(ctx, s.copies, nil, nil, nil, nil,
		"stack", "export", "--stack", s.name)
	if err != nil {
		err = fmt.Errorf("%w: %s", err, said)
	} else {
		err = json.Unmarshal([]byte(text), &state)
	}
	if err != nil {
		return stateFile{}, fmt.Errorf("the state of stack %s cannot be read: %w", s.name, err)
	}
	return state, nil
}

// replace puts a state in the place of the stack's. Pulumi checks that it is whole.
func (s *Stack) replace(ctx context.Context, state stateFile) error {
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	_, said, _, err := s.scratch.PulumiCommand().Run(ctx, s.copies, bytes.NewReader(text), nil, nil, nil,
		"stack", "import", "--stack", s.name)
	if err != nil {
		return fmt.Errorf("%w: %s", err, said)
	}
	return nil
}
