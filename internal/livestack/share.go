package livestack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
)

// OutputsVariable names the environment variable that tells tests which share a cluster where its outputs
// are: a file as `pulumi stack output --json --show-secrets` prints them.
const OutputsVariable = "WARREN_TEST_OUTPUTS"

// removeTimeout bounds removing everything of a stack by force.
const removeTimeout = 2 * time.Minute

// destroyTimeout bounds destroying a stack that tests have shared, before it is removed by force.
const destroyTimeout = 5 * time.Minute

// Share brings up a stack and calls use with a file of its outputs. Whatever happens, nothing of the stack is
// left.
func Share(ctx context.Context, use func(outputs string) error) (err error) {
	folder, err := os.MkdirTemp("", "warren-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	d, err := deployWarren(ctx, folder, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.leave(ctx)) }()
	result, err := d.Pulumi.Up(ctx, optup.ProgressStreams(os.Stdout), optup.SuppressOutputs())
	if err != nil {
		return err
	}
	text, err := outputsJSON(result.Outputs)
	if err != nil {
		return err
	}
	outputs := filepath.Join(folder, "outputs.json")
	if err := os.WriteFile(outputs, text, 0o600); err != nil {
		return err
	}
	return use(outputs)
}

// leave destroys the stack, and removes by force what is left of it after that.
func (d *Deployment) leave(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx)
	destroying, cancel := context.WithTimeout(ctx, destroyTimeout)
	defer cancel()
	if _, err := d.Pulumi.Destroy(destroying, optdestroy.SuppressOutputs()); err != nil {
		fmt.Fprintf(os.Stderr, "stack %s is removed by force: %v\n", d.Name, err)
	}
	removing, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	return d.remove(removing)
}
