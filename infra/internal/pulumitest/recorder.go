// Package pulumitest plays Pulumi's engine in tests: it runs a program and tells which resources it declared.
package pulumitest

import (
	"errors"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/engine/enginetest"
)

// The types of the Docker provider's resources.
const (
	Container = "docker:index/container:Container"
	Image     = "docker:index/remoteImage:RemoteImage"
	Network   = "docker:index/network:Network"
	Volume    = "docker:index/volume:Volume"
	Stash     = "pulumi:index:Stash"
)

// Resource is a resource that a program declared.
type Resource struct {
	Type, Name string
	Inputs     resource.PropertyMap
	// Parent is the name of its parent.
	Parent string
	// DependsOn are the names of the resources that it depends on, by a property or by an option.
	DependsOn []string
	// Uses are those that it depends on by a property, so that their replacement may replace it.
	Uses []string
	// Provider is the name of its explicit provider, if it has one.
	Provider string
	// IgnoreChanges are the properties whose changes are ignored.
	IgnoreChanges []string
	// BeforeCreate and OnError are the names of its hooks.
	BeforeCreate, OnError []string
}

// Recorder creates every resource at once, and remembers it.
type Recorder struct {
	// Resources are those that the program declared.
	Resources []Resource
	// Outputs are those of the stack's last deployment, Kept what its state keeps, by the names of stashes.
	Outputs, Kept map[string]any

	mu sync.Mutex
}

// WithRecorder makes a run of a program in stack enginetest.Stack use the recorder in place of Pulumi's
// engine.
func WithRecorder(r *Recorder) pulumi.RunOption {
	return pulumi.WithMocks("warren", enginetest.Stack, r)
}

// NewResource is called by Pulumi's SDK.
func (r *Recorder) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	d := Resource{Type: args.TypeToken, Name: args.Name, Inputs: args.Inputs}
	if rpc := args.RegisterRPC; rpc != nil {
		d.Parent = nameOf(rpc.GetParent())
		d.IgnoreChanges = rpc.GetIgnoreChanges()
		d.BeforeCreate, d.OnError = rpc.GetHooks().GetBeforeCreate(), rpc.GetHooks().GetOnError()
		if reference := rpc.GetProvider(); reference != "" {
			d.Provider = nameOf(reference[:strings.LastIndex(reference, "::")]) // behind it is the provider's ID
		}
		for _, urn := range rpc.GetDependencies() {
			d.DependsOn = append(d.DependsOn, nameOf(urn))
		}
		for _, property := range rpc.GetPropertyDependencies() {
			for _, urn := range property.GetUrns() {
				d.Uses = append(d.Uses, nameOf(urn))
			}
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, other := range r.Resources {
		if other.Type == d.Type && other.Name == d.Name {
			return "", nil, errors.New(d.Name + " was declared twice")
		}
	}
	r.Resources = append(r.Resources, d)
	outputs := args.Inputs.Copy()
	if d.Type == Stash {
		outputs["output"] = args.Inputs["input"]
		if kept, exists := r.Kept[args.Name]; exists {
			outputs["output"] = resource.NewPropertyValue(kept)
		}
	}
	if d.Type == Image {
		outputs["imageId"] = resource.NewStringProperty("sha256:" + d.Name)
	}
	return args.Name + "-id", outputs, nil
}

// Call is called by Pulumi's SDK. The only function that a program calls reads the stack's outputs.
func (r *Recorder) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	if args.Token != "pulumi:pulumi:readStackOutputs" {
		return nil, errors.New("the program calls " + args.Token)
	}
	return resource.NewPropertyMapFromMap(map[string]any{"outputs": r.Outputs}), nil
}

// Of returns the resources of a type by their names.
func (r *Recorder) Of(typ string) map[string]Resource {
	found := map[string]Resource{}
	for _, d := range r.Resources {
		if d.Type == typ {
			found[d.Name] = d
		}
	}
	return found
}

// Labels are the labels of a container or a volume.
func (d Resource) Labels() map[string]string {
	labels := map[string]string{}
	for _, label := range Array(d.Inputs["labels"]) {
		labels[label.ObjectValue()["label"].StringValue()] = label.ObjectValue()["value"].StringValue()
	}
	return labels
}

// Permissions are the permissions of the files that are uploaded to a container, by path.
func (d Resource) Permissions() map[string]string {
	modes := map[string]string{}
	for _, upload := range Array(d.Inputs["uploads"]) {
		modes[upload.ObjectValue()["file"].StringValue()] = upload.ObjectValue()["permissions"].StringValue()
	}
	return modes
}

// Array returns the elements of an array; a value that is none has no elements.
func Array(v resource.PropertyValue) []resource.PropertyValue {
	if !v.IsArray() {
		return nil
	}
	return v.ArrayValue()
}

// Plain is a value without the marks of secrets.
func Plain(v resource.PropertyValue) any {
	return v.MapRepl(nil, func(v resource.PropertyValue) (any, bool) {
		if v.IsSecret() {
			return Plain(v.SecretValue().Element), true
		}
		return nil, false
	})
}

// nameOf is the name of the resource of a URN.
func nameOf(urn string) string { return urn[strings.LastIndex(urn, "::")+2:] }
