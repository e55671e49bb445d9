package stackconfig

import (
	"encoding/json"
	"errors"
	"testing"

	"warren/topology"
	"warren/topology/internal/sample"
	"warren/topology/render"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecodeReadsEveryKey(t *testing.T) {
	config, problems := decode(map[string]string{
		"nodes": `[{"name":"a","type":"disc","amqpPort":1,"managementPort":2}]`,
		"image": "i", "series": "4.3", "haproxyImage": "h",
		"ports":       `{"amqp":1,"management":2,"loadBalancerAmqp":3,"loadBalancerManagement":4,"stats":5,"prometheus":6,"alertmanager":7,"grafana":8}`,
		"bindAddress": "b", "nodeTypes": `{"a":"ram"}`, "partitionHandling": "p", "failureDetection": "f",
		"memoryLimit": "m", "memoryHighWatermark": "0.4", "diskFreeLimit": "d", "heartbeatSeconds": "10",
		"connectionMax": "20", "logLevel": "l", "logFormat": "json", "logDriver": "d",
		"logOptions": `{"tag":"t"}`, "plugins": `["x","y"]`,
		"rabbitmqConf": "r", "username": "u", "loadBalancers": "3",
		"monitoring":    `{"prometheusImage":"p","alertmanagerImage":"a","grafanaImage":"g","retention":"1d","retentionSize":"s","memoryLimit":"m","queues":["q"],"remote":"r"}`,
		"hosts":         `[{"name":"h","engine":"e","address":"a","zone":"z","certPath":"c","sshOptions":["o"]}]`,
		"adminPassword": "not looked at", "statsPassword": "nor this", "erlangCookie": "nor this",
	})
	require.Empty(t, problems)
	assert.Equal(t, Config{
		Nodes: NodesConfig{
			List: []NodeConfig{{Name: "a", Type: topology.Disc, AMQPPort: 1, ManagementPort: 2}}, explicit: true,
		},
		Image: "i", Series: "4.3", HAProxyImage: "h",
		Ports: PortsConfig{
			AMQP: 1, Management: 2, LoadBalancerAMQP: 3, LoadBalancerManagement: 4, Stats: 5, Prometheus: 6,
			Alertmanager: 7, Grafana: 8,
		},
		BindAddress: "b", NodeTypes: map[string]topology.NodeType{"a": topology.RAM},
		PartitionHandling: "p", FailureDetection: "f", MemoryLimit: "m", MemoryHighWatermark: 0.4,
		DiskFreeLimit: "d", HeartbeatSeconds: 10, ConnectionMax: 20, LogLevel: "l",
		LogFormat: "json", LogDriver: "d", LogOptions: map[string]string{"tag": "t"},
		Plugins: []string{"x", "y"}, RabbitMQConf: "r", Username: "u", LoadBalancers: 3,
		Monitoring: MonitoringConfig{
			Enabled: true, PrometheusImage: "p", AlertmanagerImage: "a", GrafanaImage: "g",
			Retention: "1d", RetentionSize: "s",
			MemoryLimit: "m", Queues: []string{"q"}, Remote: "r",
		},
		Hosts: []topology.Host{{Name: "h", Engine: "e", Address: "a", Zone: "z", CertPath: "c",
			SSHOptions: []string{"o"}}},
	}, config)
}

func TestNodesUnmarshalFromACountOrAList(t *testing.T) {
	for text, want := range map[string]NodesConfig{
		`5`:                           {Count: 5, explicit: true},
		"\n[{\"name\":\"a\"}]":        {List: []NodeConfig{{Name: "a"}}, explicit: true},
		`[]`:                          {List: []NodeConfig{}, explicit: true},
		`[{"name":"a"},{"name":"b"}]`: {List: []NodeConfig{{Name: "a"}, {Name: "b"}}, explicit: true},
	} {
		var got NodesConfig
		require.NoError(t, json.Unmarshal([]byte(text), &got))
		assert.Equal(t, want, got)
		again, err := json.Marshal(got)
		require.NoError(t, err)
		if len(want.List) > 0 || want.Count > 0 {
			var roundTrip NodesConfig
			require.NoError(t, json.Unmarshal(again, &roundTrip))
			assert.Equal(t, want.Count, roundTrip.Count)
			assert.Equal(t, want.List, roundTrip.List)
		}
	}
	for _, text := range []string{`"three"`, `{}`, `[1]`, `2.5`} {
		var got NodesConfig
		assert.Error(t, json.Unmarshal([]byte(text), &got), text)
	}
}

// FuzzParse: whatever is written, the answer is a cluster that renders, or problems that say what to do.
func FuzzParse(f *testing.F) {
	for _, m := range mistakes {
		for key, value := range m.raw {
			f.Add("dev", key, value)
		}
	}
	f.Fuzz(func(t *testing.T, stack, key, value string) {
		cluster, err := Parse(stack, map[string]string{key: value})
		if err == nil {
			render.HAProxyConf(cluster.Balancers()[0], sample.Secrets)
			render.RabbitMQConf(cluster, cluster.Nodes[0])
			cluster.Outputs(sample.Secrets)
			return
		}
		var invalid *ValidationError
		if !errors.As(err, &invalid) || len(invalid.Problems) == 0 {
			t.Fatalf("not a list of problems: %v", err)
		}
		for _, p := range invalid.Problems {
			if p.Key == "" || p.Wrong == "" || p.Remedy == "" {
				t.Errorf("a problem that leaves something out: %+v", p)
			}
		}
	})
}
