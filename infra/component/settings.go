package component

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/agentbinary"
	"warren/topology"
	"warren/topology/render"
)

// settingsBytes is the length of a fingerprint before it is written in hexadecimal.
const settingsBytes = 12

// Settings is a fingerprint of what a node's container is made from, but for its image. Another one replaces
// the container. It shows nothing of the secrets.
func Settings(
	cluster *topology.Cluster, n topology.Node, agent agentbinary.Binary, secrets topology.Secrets,
) (string, error) {
	definitions, err := render.Definitions(cluster, secrets)
	if err != nil {
		return "", err
	}
	text, err := json.Marshal([]any{
		cluster.Image, cluster.Series, startOf(cluster, n, false), render.ErlangArgs(cluster),
		render.RabbitMQConf(cluster, n), render.AdvancedConfig(cluster, n), render.EnabledPlugins(cluster),
		definitions, agent.Hash, cluster.HasTLS(),
		cluster.ClientPorts(n), cluster.PublishAddress(n.Host), cluster.ForeignNames(n.Host),
		cluster.WantedOpenFiles(), cluster.MemoryLimit, cluster.Logs,
		cluster.TLSInterNode, render.InterNodeOptions(),
	})
	if err != nil {
		return "", fmt.Errorf("the settings of node %s: %w", n.Name, err)
	}
	mac := hmac.New(sha256.New, []byte(secrets.ErlangCookie))
	_, _ = mac.Write(text) // never fails
	return hex.EncodeToString(mac.Sum(nil)[:settingsBytes]), nil
}

// settings is the label with the fingerprint of a node's container.
func (a *NodeArgs) settings() pulumi.StringOutput {
	return pulumi.Unsecret(a.Secrets.render(func(s topology.Secrets) (string, error) {
		return Settings(a.Topology, a.Node, *a.Agent, s)
	})).(pulumi.StringOutput)
}
