// Package keep leaves resources as they are, when their engines can't be asked.
package keep

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// asItIs leaves a resource, and everything in a component, as it is in the state. Pulumi does not ask a
// provider about a resource that does not change, so that its engine need not answer.
var asItIs = pulumi.Transformations([]pulumi.ResourceTransformation{
	func(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
		return &pulumi.ResourceTransformationResult{
			Props: args.Props, Opts: append(args.Opts, pulumi.IgnoreChanges([]string{"*"})),
		}
	},
})

// If are the options of a resource that stays as it is in the state if that is so.
func If(keep bool, opts []pulumi.ResourceOption) []pulumi.ResourceOption {
	if !keep {
		return opts
	}
	return append(append([]pulumi.ResourceOption{}, opts...), asItIs)
}
