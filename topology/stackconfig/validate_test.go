package stackconfig

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"warren/topology"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTheDefaultsAreTheTutorialsCluster(t *testing.T) {
	c, err := Parse("dev", nil)
	require.NoError(t, err)
	assert.Empty(t, Warnings(c))
	assert.Equal(t, []topology.Node{
		{Name: "rabbit1", Type: topology.Disc, AMQPPort: 5672, ManagementPort: 15672},
		{Name: "rabbit2", Type: topology.Disc, AMQPPort: 5673, ManagementPort: 15673},
		{Name: "rabbit3", Type: topology.Disc, AMQPPort: 5674, ManagementPort: 15674},
	}, c.Nodes)
	assert.Equal(t, topology.DefaultHAProxyImage, c.LoadBalancer.Image)
	assert.Equal(t, 5671, c.LoadBalancer.AMQPPort)
	assert.Equal(t, 15671, c.LoadBalancer.ManagementPort)
	assert.Equal(t, 8404, c.LoadBalancer.StatsPort)
	assert.Equal(t, "127.0.0.1", c.BindAddress)
	assert.Equal(t, 0.6, c.MemoryHighWatermark)
	assert.Equal(t, int64(2_000_000_000), c.DiskFreeLimit)
	assert.Equal(t, int64(1<<30), c.MemoryLimit)
	assert.Equal(t, 60, c.HeartbeatSeconds)
	assert.Equal(t, 4096, c.ConnectionMax)
	assert.Equal(t, topology.DetectFast, c.FailureDetection)
	assert.Equal(t, topology.Series{Major: 4, Minor: 3}, c.Series)
}

func TestPartitionHandlingIsTheTutorialsWhereItExists(t *testing.T) {
	for image, want := range map[string]topology.PartitionHandling{
		"rabbitmq:3.12-management": topology.PartitionAutoheal, "rabbitmq:4.2": topology.PartitionAutoheal,
		"rabbitmq:4.3": "",
	} {
		c, err := New("dev", Config{Image: image})
		require.NoError(t, err)
		assert.Equal(t, want, c.PartitionHandling, image)
	}
}

// raw is a configuration as Pulumi stores it.
type raw = map[string]string

// nodesNamed is a configuration of three nodes, of which the last has a name.
func nodesNamed(name string) raw {
	return raw{"nodes": fmt.Sprintf(`[{"name":"a"},{"name":"b"},{"name":%q}]`, name)}
}

// mistakes lists one mistake a line: what is written, which key is named and what the message says.
var mistakes = map[string]struct {
	raw  raw
	key  string
	says string
}{
	"no nodes":            {raw{"nodes": "0"}, "nodes", "gives 0 nodes"},
	"empty list of nodes": {raw{"nodes": "[]"}, "nodes", "gives 0 nodes"},
	"negative nodes":      {raw{"nodes": "-3"}, "nodes", "gives -3 nodes"},
	"one node":            {raw{"nodes": "1"}, "nodes", "gives 1 node, and"},
	"two nodes":           {raw{"nodes": "2"}, "nodes", "no majority once a node is gone"},
	"too many nodes":      {raw{"nodes": "17"}, "nodes", "gives 17 nodes"},
	"absurdly many nodes": {raw{"nodes": "1000000000"}, "nodes", "gives 1000000000 nodes"},
	"nodes as a word":     {raw{"nodes": "three"}, "nodes", "write a number of nodes, or a list"},
	"nodes as a map":      {raw{"nodes": `{"rabbit1":{}}`}, "nodes", "write a number of nodes, or a list"},
	"node of the wrong form": {raw{"nodes": `[{"name":"a"},{"name":"b"},"c"]`}, "nodes[2]",
		"write a map of amqpPort, host, managementPort, name, type"},
	"unknown key of a node": {
		raw{"nodes": `[{"name":"a"},{"name":"b"},{"nam":"c"}]`}, "nodes[2].nam",
		`did you mean "name"?`,
	},
	"port of a node as text": {
		raw{"nodes": `[{"name":"a"},{"name":"b"},{"name":"c","amqpPort":"x"}]`}, "nodes[2].amqpPort",
		"whole number",
	},
	"same name twice": {
		raw{"nodes": `[{"name":"a"},{"name":"b"},{"name":"a"}]`}, "nodes[2].name",
		`is "a", as is that of nodes[0]`,
	},
	"no host name": {
		raw{"nodes": `[{"name":"a"},{"name":"b"},{"name":"Rabbit_3"}]`}, "nodes[2].name",
		"no host name",
	},
	"no name": {raw{"nodes": `[{"name":"a"},{"name":"b"},{}]`}, "nodes[2].name", "no host name"},
	"unknown type": {
		raw{"nodes": `[{"name":"a"},{"name":"b"},{"name":"c","type":"disk"}]`}, "nodes[2].type",
		"one of disc, ram",
	},
	"unknown type by name": {raw{"nodeTypes": `{"rabbit1":"disk"}`}, "nodes[0].type", `is "disk"`},
	"type of unknown node": {
		raw{"nodeTypes": `{"rabbit9":"disc"}`}, "nodeTypes",
		`unknown node "rabbit9"`,
	},
	"types at odds": {
		raw{
			"image": "rabbitmq:3.13", "nodeTypes": `{"a":"ram"}`,
			"nodes": `[{"name":"a","type":"disc"},{"name":"b"},{"name":"c"}]`,
		}, "nodeTypes",
		"say it in one place",
	},
	"node types as list": {raw{"nodeTypes": `["ram"]`}, "nodeTypes", "write a map"},
	"RAM node on Khepri": {
		raw{"nodeTypes": `{"rabbit2":"ram"}`}, "nodeTypes",
		"new clusters of RabbitMQ 4.3 have none",
	},
	"RAM node on 4.2": {
		raw{"image": "rabbitmq:4.2", "nodeTypes": `{"rabbit2":"ram"}`}, "nodeTypes",
		"new clusters of RabbitMQ 4.2 have none",
	},
	"one disc node": {
		raw{"image": "rabbitmq:3.10", "nodeTypes": `{"rabbit1":"ram","rabbit2":"ram"}`}, "nodeTypes",
		"leaves 1 disc node",
	},
	"ports too high": {
		raw{"ports": `{"management":65534}`}, "ports",
		"management of rabbit3 port 65536",
	},
	"negative port": {raw{"ports": `{"stats":-1}`}, "ports", "statistics of the load balancer port -1"},
	"load balancer on node's port": {
		raw{"ports": `{"loadBalancerAmqp":5673}`}, "ports",
		"port 5673 to AMQP of rabbit2 and to AMQP of the load balancer",
	},
	"ranges that overlap": {
		raw{"ports": `{"amqp":7000,"management":7002}`}, "ports",
		"port 7002 to management of rabbit1 and to AMQP of rabbit3",
	},
	"port as text": {raw{"ports": `{"amqp":"high"}`}, "ports.amqp", "whole number"},
	"unknown port": {raw{"ports": `{"managemnt":1}`}, "ports.managemnt",
		`did you mean "management"?`},
	"logs in XML":          {raw{"logFormat": "xml"}, "logFormat", "one of text, json"},
	"no logs":              {raw{"logDriver": "none"}, "logDriver", "a driver that keeps logs"},
	"log options as text":  {raw{"logOptions": "max-size=1m"}, "logOptions", "write a map"},
	"monitoring as a word": {raw{"monitoring": "yes"}, "monitoring", "write true, false, or a map"},
	"monitoring as a list": {raw{"monitoring": `["on"]`}, "monitoring", "write true, false, or a map"},
	"unknown monitoring": {raw{"monitoring": `{"retentoin":"1d"}`}, "monitoring.retentoin",
		`did you mean "retention"?`},
	"retention without a unit": {raw{"monitoring": `{"retention":"15"}`}, "monitoring.retention",
		"write a number and h, d, w or y"},
	"retention of nothing": {raw{"monitoring": `{"retentionSize":"1MB"}`}, "monitoring.retentionSize",
		"use at least 64MiB"},
	"Prometheus in no memory": {raw{"monitoring": `{"memoryLimit":"64MiB"}`}, "monitoring.memoryLimit",
		"use at least 128MiB"},
	"Prometheus' image": {raw{"monitoring": `{"prometheusImage":"A B"}`}, "monitoring.prometheusImage",
		"no image reference"},
	"no queue": {raw{"monitoring": `{"queues":[""]}`}, "monitoring.queues[0]", "write a name of queues"},
	"a broken pattern": {raw{"monitoring": `{"queues":["a","("]}`}, "monitoring.queues[1]",
		"write a name of queues"},
	"remote as a name": {raw{"monitoring": `{"remote":"prometheus"}`}, "monitoring.remote", "write the URL"},
	"remote with secret": {raw{"monitoring": `{"remote":"http://u:p@h"}`}, "monitoring.remote",
		"without credentials"},
	"remote and own": {raw{"monitoring": `{"remote":"http://h","retention":"1d"}`}, "monitoring.retention",
		"leave one of them out"},
	"Grafana on Prometheus' port": {
		raw{"monitoring": `{"grafanaImage":"g"}`, "ports": `{"grafana":9090}`}, "ports",
		"port 9090 to Prometheus and to Grafana",
	},
	"Prometheus on a node's port": {
		raw{"monitoring": "true", "ports": `{"prometheus":15672}`}, "ports",
		"port 15672 to management of rabbit1 and to Prometheus",
	},
	"node called prometheus": {
		raw{"nodes": `[{"name":"a"},{"name":"prometheus"},{"name":"c"}]`}, "nodes[1].name",
		"the name of Prometheus",
	},
	"ports as a number": {raw{"ports": `5672`}, "ports", "write a map of alertmanager, amqp"},
	"unknown plugin": {
		raw{"plugins": `["rabbitmq_shovl"]`}, "plugins",
		`did you mean "rabbitmq_shovel"?`,
	},
	"plugin of later series": {
		raw{"image": "rabbitmq:3.13", "plugins": `["rabbitmq_shovel_prometheus"]`}, "plugins",
		"3.13 does not come with",
	},
	"plugins as text": {raw{"plugins": `rabbitmq_shovel`}, "plugins", "write a list"},
	"unknown strategy": {
		raw{"image": "rabbitmq:3.13", "partitionHandling": "pause-minority"}, "partitionHandling",
		`did you mean "pause_minority"?`,
	},
	"unknown strategy on 4.3": {
		raw{"partitionHandling": "heal"}, "partitionHandling",
		"one of ignore, pause_minority, autoheal",
	},
	"unknown detection": {
		raw{"failureDetection": "quick"}, "failureDetection",
		"one of fast, relaxed, stock",
	},
	"bad image":          {raw{"image": "Rabbit MQ"}, "image", "no image reference"},
	"bad HAProxy image":  {raw{"haproxyImage": "haproxy:"}, "haproxyImage", "no image reference"},
	"tag without series": {raw{"image": "rabbitmq:management"}, "image", "set warren:series"},
	"no tag":             {raw{"image": "rabbitmq"}, "image", "set warren:series"},
	"bad series":         {raw{"series": "4"}, "series", `write a RabbitMQ series such as "4.3"`},
	"series against tag": {
		raw{"image": "rabbitmq:4.0", "series": "4.3"}, "series",
		"the tag of rabbitmq:4.0 says 4.0",
	},
	"series too old":       {raw{"image": "rabbitmq:3.8"}, "series", "use RabbitMQ 3.10 or later"},
	"size without number":  {raw{"memoryLimit": "GB"}, "memoryLimit", `is "GB"`},
	"size of unknown unit": {raw{"diskFreeLimit": "2 gigs"}, "diskFreeLimit", "such as 2GB or 512MiB"},
	"too little memory":    {raw{"memoryLimit": "64MiB"}, "memoryLimit", "use at least 320MiB"},
	"watermark above all":  {raw{"memoryHighWatermark": "60"}, "memoryHighWatermark", "from 0.01 to 1"},
	"negative watermark":   {raw{"memoryHighWatermark": "-0.1"}, "memoryHighWatermark", "from 0.01 to 1"},
	"watermark not a number": {
		raw{"memoryHighWatermark": "NaN"}, "memoryHighWatermark",
		"from 0.01 to 1",
	},
	"watermark of nothing": {
		raw{"memoryHighWatermark": "0.00001"}, "memoryHighWatermark",
		"is 1e-05, at which publishers would always be blocked",
	},
	"watermark of zero": {
		raw{"memoryHighWatermark": "0"}, "memoryHighWatermark",
		"is 0: write a positive number, or leave it out",
	},
	"watermark of an idle node": {
		raw{"memoryHighWatermark": "0.1"}, "memoryHighWatermark",
		"102 MiB of warren:memoryLimit",
	},
	"watermark without a limit": {
		raw{"memoryLimit": "none"}, "memoryHighWatermark",
		"3 nodes may take 180 % of their machine: write 0.25 or less",
	},
	"disk limit without a unit": {
		raw{"diskFreeLimit": "2"}, "diskFreeLimit",
		"less than RabbitMQ's own limit of 50 MB",
	},
	"disk limit of a float": {raw{"diskFreeLimit": "2e9"}, "diskFreeLimit", "such as 2GB or 512MiB"},
	"no connections":        {raw{"connectionMax": "0"}, "connectionMax", "leave it out for the default"},
	"no heartbeat":          {raw{"heartbeatSeconds": "0"}, "heartbeatSeconds", "or leave it out"},
	"port zero":             {raw{"ports": `{"amqp":0}`}, "ports.amqp", "leave it out for the default"},
	"watermark as text":     {raw{"memoryHighWatermark": "high"}, "memoryHighWatermark", "write a number"},
	"host name to bind to":  {raw{"bindAddress": "localhost"}, "bindAddress", "write an IP address"},
	"zone in address":       {raw{"bindAddress": "fe80::1%eth0"}, "bindAddress", "write an IP address"},
	"heartbeat too long":    {raw{"heartbeatSeconds": "70000"}, "heartbeatSeconds", "1 to 65535"},
	"heartbeat as text":     {raw{"heartbeatSeconds": "60s"}, "heartbeatSeconds", "whole number"},
	"negative connections":  {raw{"connectionMax": "-1"}, "connectionMax", "is -1"},
	"hardly any connections": {
		raw{"connectionMax": "15"}, "connectionMax",
		"too few for Warren's own clients",
	},
	"more files than the kernel": {
		raw{"connectionMax": "520193"}, "connectionMax",
		"from 16 to 520192",
	},
	"the load balancer's name": {
		nodesNamed("haproxy"), "nodes[2].name",
		"the name of the load balancer",
	},
	"its configuration's name": {
		nodesNamed("haproxy-config"), "nodes[2].name",
		"gives HAProxy its configuration",
	},
	"the formation's name": {nodesNamed("formation"), "nodes[2].name", "the name of the formation"},
	"the loopback interface": {
		nodesNamed("localhost"), "nodes[2].name",
		"the name of the machine itself",
	},
	"a name of /etc/hosts": {nodesNamed("ip6-allnodes"), "nodes[2].name", "multicast"},
	"a membership's name": {
		nodesNamed("a-join"), "nodes[2].name",
		"memberships by a node's name and -join",
	},
	"a volume's name":         {nodesNamed("x-data"), "nodes[2].name", "volumes by a node's name and -data"},
	"a server of haproxy.cfg": {nodesNamed("a-minority"), "nodes[2].name", "servers in haproxy.cfg"},
	"a name too long for a helper": {
		nodesNamed(strings.Repeat("x", 59)), "nodes[2].name",
		"use at most 58 letters",
	},
	"a name that ends with a dash": {nodesNamed("rabbit-"), "nodes[2].name", "no host name"},
	"unknown log level":            {raw{"logLevel": "warn"}, "logLevel", `did you mean "warning"?`},
	"guest":                        {raw{"username": "guest"}, "username", "use another name"},
	"the agent's user name": {
		raw{"username": "warren-agent"}, "username",
		"a user of Warren's own containers",
	},
	"user name with a colon": {raw{"username": "a:b"}, "username", "use letters"},
	"extra line without a value": {
		raw{"rabbitmqConf": "# fine\nheartbeat"}, "rabbitmqConf",
		`the line 2 "heartbeat"`,
	},
	"unknown key":               {raw{"imgae": "rabbitmq:4.3"}, "imgae", `did you mean "image"?`},
	"unknown key, nothing near": {raw{"frobnicate": "1"}, "frobnicate", "unknown key: remove it"},
}

func TestEveryMistakeIsNamed(t *testing.T) {
	for name, m := range mistakes {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("dev", m.raw)
			var invalid *ValidationError
			require.ErrorAs(t, err, &invalid)
			found := slices.IndexFunc(invalid.Problems, func(p Problem) bool { return p.Key == m.key })
			require.GreaterOrEqual(t, found, 0, "%v", err)
			assert.Contains(t, invalid.Problems[found].String(), m.says)
			assert.NotEmpty(t, invalid.Problems[found].Remedy)
			assert.Len(t, invalid.Problems, 1, "one mistake gives one problem: %v", err)
		})
	}
}

func TestAllMistakesAreReportedAtOnce(t *testing.T) {
	_, err := Parse("dev", raw{
		"nodes": "2", "ports": `{"amqp":"x"}`, "plugins": `["x"]`, "image": "", "haproxyImage": "A",
		"bindAddress": "b", "typo": "1", "series": "x", "failureDetection": "f", "memoryLimit": "m",
		"diskFreeLimit": "d", "logLevel": "l", "username": "guest", "heartbeatSeconds": "h",
		"connectionMax": "c", "memoryHighWatermark": "w", "rabbitmqConf": "r",
		"nodeTypes": `{"n":"disc"}`, "partitionHandling": "p",
	})
	var invalid *ValidationError
	require.ErrorAs(t, err, &invalid)
	keys := map[string]bool{}
	for _, p := range invalid.Problems {
		keys[rootKey(p.Key)] = true
	}
	assert.Equal(t, []string{
		"bindAddress", "connectionMax", "diskFreeLimit", "failureDetection", "haproxyImage",
		"heartbeatSeconds", "logLevel", "memoryHighWatermark", "memoryLimit", "nodeTypes", "nodes",
		"partitionHandling", "plugins", "ports", "rabbitmqConf", "series", "typo", "username",
	}, slices.Sorted(maps.Keys(keys)))
	assert.Contains(t, err.Error(), "the configuration has 18 mistakes:\n  - warren:")
}

// Several mistakes in one setting are several problems.
func TestMistakesOfOneKeyHideNoOthers(t *testing.T) {
	_, err := Parse("dev", raw{
		"nodes":        `[{"name":"haproxy"},{"name":"localhost"},{"name":"X","type":"big"}]`,
		"rabbitmqConf": "heartbeat = 1\n?\nlisteners.tcp = none",
		"plugins":      `["a","b"]`,
	})
	var invalid *ValidationError
	require.ErrorAs(t, err, &invalid)
	assert.Len(t, invalid.Problems, 4+3+2, "%v", err)
}

func TestStackNames(t *testing.T) {
	for _, name := range []string{"dev", "staging-2", "a.b_c", "X"} {
		_, err := New(name, Config{})
		assert.NoError(t, err, name)
	}
	for _, name := range []string{"", "-dev", "a/b", "a b", "ä"} {
		_, err := New(name, Config{})
		assert.ErrorContains(t, err, "warren:stack has the name", name)
	}
}

func TestWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		says   string
	}{
		"even number": {Config{Nodes: NodesConfig{Count: 4}},
			"gives 4 nodes: as many failures as 3 nodes survive, 1"},
		"series nobody has tried": {Config{Image: "rabbitmq:4.9"}, "newer than 4.3"},
		"strategy without effect": {Config{PartitionHandling: "autoheal"}, "no effect in RabbitMQ 4.3"},
		"RAM node": {Config{Image: "rabbitmq:3.13",
			NodeTypes: map[string]topology.NodeType{"rabbit2": topology.RAM}},
			"rabbit2 is a RAM node"},
		"watermark near the limit": {Config{MemoryHighWatermark: 0.9}, "may be killed for its memory"},
		"heartbeat too short":      {Config{HeartbeatSeconds: 1}, "close healthy connections"},
	} {
		cluster, err := New("dev", c.config)
		require.NoError(t, err, name)
		require.Len(t, Warnings(cluster), 1, name)
		assert.Contains(t, Warnings(cluster)[0], c.says, name)
	}
}
