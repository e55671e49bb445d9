// Package daytwo has no code, only tests: what `pulumi up` does to a running cluster when its stack's
// configuration changes, under traffic and judged by the checker. They have the build tag cluster and stacks
// of their own.
package daytwo
