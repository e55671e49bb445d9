package livestack

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/network"
	"github.com/docker/docker/api/types/volume"
	"github.com/docker/docker/client"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"

	"warren/topology"
)

// Deployment is a stack apart from all others, on the real engine and by the real Pulumi CLI: its project,
// state and passphrase are in a folder of its own.
type Deployment struct {
	// Name is the stack's name, Pulumi what works on it, Docker the engine it is on.
	Name   string
	Pulumi auto.Stack
	Docker *client.Client
	// Cluster is the name of the stack's cluster, in the names and labels of all that belongs to it. In
	// Warren's own program it is the stack's name.
	Cluster string

	dir    string
	config map[string]any
	env    map[string]string
}

// deployWarren makes an empty stack of Warren's own program in an empty folder, with ports of its own.
func deployWarren(ctx context.Context, folder string, config map[string]any) (*Deployment, error) {
	ports, err := freePorts(ctx)
	if err != nil {
		return nil, err
	}
	settings := map[string]any{"warren:ports": ports}
	maps.Copy(settings, config)
	d, err := deploy(ctx, folder, ".", settings)
	if err != nil {
		return nil, err
	}
	d.Cluster = d.Name
	return d, nil
}

// deploy makes an empty stack of a project of this repository in an empty folder.
func deploy(ctx context.Context, folder, project string, config map[string]any) (*Deployment, error) {
	return deployAs(ctx, "e2e-"+randomHex(3), folder, project, config)
}

// deployAs is deploy for a stack of that name.
func deployAs(ctx context.Context, name, folder, project string, config map[string]any) (*Deployment, error) {
	if _, err := exec.LookPath("pulumi"); err != nil {
		return nil, errors.New("there is no pulumi on PATH: run `eval \"$(tools/env)\"` in the project's folder")
	}
	docker, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return nil, err
	}
	if err := checkOut(folder); err != nil {
		return nil, err
	}
	d := &Deployment{
		Name: name, Docker: docker, dir: filepath.Join(folder, project), config: config,
	}
	if err := d.configure(nil); err != nil {
		return nil, err
	}
	state := filepath.Join(d.dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		return nil, err
	}
	d.env = map[string]string{
		"PULUMI_BACKEND_URL":                       "file://" + state,
		"PULUMI_CONFIG_PASSPHRASE":                 randomHex(16),
		"PULUMI_CONFIG_PASSPHRASE_FILE":            "",
		"PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER": "true",
		"PULUMI_SKIP_UPDATE_CHECK":                 "true",
	}
	d.Pulumi, err = auto.NewStackLocalSource(ctx, d.Name, d.dir, auto.EnvVars(d.env))
	return d, err
}

// checkOut puts the projects of this repository into a folder, so that Pulumi writes nothing into this one.
// What they only read is linked.
func checkOut(folder string) error {
	root, err := root()
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := entry.Name()
		stackFile, _ := filepath.Match("Pulumi.*.yaml", name)
		if stackFile || strings.HasPrefix(name, ".") || name == "examples" {
			continue
		}
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	return os.CopyFS(filepath.Join(folder, "examples"), os.DirFS(filepath.Join(root, "examples")))
}

// root is the folder of the project, above that of any package.
func root() (string, error) {
	dir, err := filepath.Abs(".")
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "Pulumi.yaml")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("there is no Pulumi.yaml here or above")
		}
		dir = filepath.Dir(dir)
	}
	return "", err
}

// configure sets settings, or removes those that are nil.
func (d *Deployment) configure(changes map[string]any) error {
	maps.Copy(d.config, changes)
	maps.DeleteFunc(d.config, func(_ string, value any) bool { return value == nil })
	text, err := json.Marshal(map[string]any{"config": d.config}) // YAML as well
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.dir, "Pulumi."+d.Name+".yaml"), text, 0o600)
}

// Command is a command in the project's folder and with the stack's state.
func (d *Deployment) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, args...)
	command.Dir, command.Env = d.dir, os.Environ()
	for key, value := range d.env {
		command.Env = append(command.Env, key+"="+value)
	}
	return command
}

// outputsJSON is what `pulumi stack output --json --show-secrets` prints.
func outputsJSON(outputs auto.OutputMap) ([]byte, error) {
	values := map[string]any{}
	for name, output := range outputs {
		values[name] = output.Value
	}
	return json.Marshal(values)
}

// leftovers are the names of everything of the stack that is on the engine.
func (d *Deployment) leftovers(ctx context.Context) (containers, volumes, networks []string, err error) {
	c, err := d.Docker.ContainerList(ctx, container.ListOptions{All: true, Filters: d.filter()})
	if err != nil {
		return nil, nil, nil, err
	}
	for _, c := range c {
		containers = append(containers, strings.TrimPrefix(c.Names[0], "/"))
	}
	v, err := d.Docker.VolumeList(ctx, volume.ListOptions{Filters: d.filter()})
	if err != nil {
		return nil, nil, nil, err
	}
	for _, v := range v.Volumes {
		volumes = append(volumes, v.Name)
	}
	n, err := d.Docker.NetworkList(ctx, network.ListOptions{Filters: d.filter()})
	if err != nil {
		return nil, nil, nil, err
	}
	for _, n := range n {
		networks = append(networks, n.Name)
	}
	return containers, volumes, networks, nil
}

// remove removes everything of the stack by force.
func (d *Deployment) remove(ctx context.Context) error {
	containers, volumes, networks, err := d.leftovers(ctx)
	problems := []error{err}
	for _, name := range containers {
		if err := d.Docker.ContainerRemove(ctx, name, container.RemoveOptions{Force: true}); err != nil {
			problems = append(problems, fmt.Errorf("removing container %s: %w", name, err))
		}
	}
	for _, name := range volumes {
		if err := d.Docker.VolumeRemove(ctx, name, true); err != nil {
			problems = append(problems, fmt.Errorf("removing volume %s: %w", name, err))
		}
	}
	for _, name := range networks {
		if err := d.Docker.NetworkRemove(ctx, name); err != nil {
			problems = append(problems, fmt.Errorf("removing network %s: %w", name, err))
		}
	}
	return errors.Join(problems...)
}

// filter selects what belongs to the stack.
func (d *Deployment) filter() filters.Args {
	return filters.NewArgs(filters.Arg("label", topology.StackLabel(d.Cluster)))
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
