package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"warren/operate/cluster"
	"warren/operate/stack"
	"warren/topology"
)

// options are the flags that all commands share.
type options struct {
	stack   string
	outputs string
	json    bool
}

// commands builds the subcommands; each lives in a file of its own.
var commands = []func(*options) *cobra.Command{
	newStatus,
	newProduce,
	newConsume,
	newDeclare,
	newExport,
	newRestore,
	newDoctor,
	newLogs,
	newMonitoring,
	newDashboard,
	newCA,
	newVerify,
	newSoak,
	newJudge,
	newBench,
	newVersion,
}

func newRoot() *cobra.Command {
	opts := &options{}
	root := &cobra.Command{
		Use:           "warren",
		Short:         "Work with a highly available RabbitMQ cluster, and prove that it keeps its promises",
		SilenceErrors: true, // main prints them
	}
	root.PersistentPreRun = func(cmd *cobra.Command, _ []string) {
		cmd.SilenceUsage = true // from here on an error is not a matter of usage
	}
	flags := root.PersistentFlags()
	flags.StringVarP(&opts.stack, "stack", "s", "dev", "name of the Pulumi stack")
	flags.StringVar(&opts.outputs, "outputs", "",
		"read the stack's outputs from `FILE` (- for standard input) instead of from Pulumi")
	flags.BoolVar(&opts.json, "json", false, "print JSON, for programs")
	complete(root, "stack", completeStacks)
	for _, command := range commands {
		root.AddCommand(command(opts))
	}
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), ".FlagUsages", ".FlagUsagesWrapped 100"))
	return root
}

// read returns the outputs of the stack the flags name.
func (o *options) read(ctx context.Context) (topology.Outputs, error) {
	switch o.outputs {
	case "":
		return stack.Outputs(ctx, ".", o.stack)
	case "-":
		return stack.Read(os.Stdin)
	default:
		return stack.ReadFile(o.outputs)
	}
}

// open returns the running cluster of the stack the flags name. The caller closes it.
func (o *options) open(ctx context.Context) (*cluster.Cluster, error) {
	outputs, err := o.read(ctx)
	if err != nil {
		return nil, err
	}
	return cluster.Open(outputs)
}

// printJSON writes a value for programs.
func printJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false) // it is for programs and terminals
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
