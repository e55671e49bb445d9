package main

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/topology"
)

// secretOutputs are the outputs that hold a secret.
var secretOutputs = []string{
	"amqpUrl", "balancedAmqpUrls", "amqpUrls", "password", "statsPassword", "users",
}

// stackOutputs returns the outputs of a stack under the names that their type gives them in JSON.
func stackOutputs(out topology.Outputs) (pulumi.Map, error) {
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("rendering the stack's outputs: %w", err)
	}
	var values map[string]any
	if err := json.Unmarshal(text, &values); err != nil {
		return nil, fmt.Errorf("rendering the stack's outputs: %w", err)
	}
	outputs := pulumi.Map{}
	for name, value := range values {
		outputs[name] = pulumi.Any(value)
		if slices.Contains(secretOutputs, name) {
			outputs[name] = pulumi.ToSecret(value)
		}
	}
	return outputs, nil
}
