package topology

// Outputs are the outputs of a stack: all that passes from the Pulumi program to whatever works with the
// running cluster. The JSON names are the names of the stack's outputs.
type Outputs struct {
	// AMQPURL is the load-balanced endpoint, with credentials. Secret.
	AMQPURL string `json:"amqpUrl"`
	// AMQPURLs are the nodes' own endpoints, one per node in the order of Nodes, with credentials. Secret.
	AMQPURLs []string `json:"amqpUrls"`
	// ManagementURL is the base of the load-balanced management interface, without credentials.
	ManagementURL string `json:"managementUrl"`
	// StatsURL is HAProxy's statistics page, without credentials.
	StatsURL string `json:"statsUrl"`
	// Username and Password are the administrator's. Password is secret.
	Username string `json:"username"`
	Password string `json:"password"`
	// StatsPassword is the password of the statistics page; its user is Username. Secret.
	StatsPassword string `json:"statsPassword"`
	// Network is the name of the Docker network the cluster lives in.
	Network string `json:"network"`
	// Nodes are the cluster's nodes.
	Nodes []NodeOutput `json:"nodes"`
	// LoadBalancer is the HAProxy in front of them.
	LoadBalancer LoadBalancerOutput `json:"loadBalancer"`
	// RabbitMQSeries is the series all nodes run, such as "4.3".
	RabbitMQSeries string `json:"rabbitmqSeries"`
}

// NodeOutput tells how to reach one node.
type NodeOutput struct {
	// Name is the host name inside the stack's network, such as "rabbit1".
	Name string `json:"name"`
	// NodeName is the Erlang node name, such as "rabbit@rabbit1".
	NodeName string `json:"nodeName"`
	// Container is the name of the Docker container.
	Container string `json:"container"`
	// Type is "disc" or "ram".
	Type NodeType `json:"type"`
	// AMQPPort and ManagementPort are the ports published on the host.
	AMQPPort       int `json:"amqpPort"`
	ManagementPort int `json:"managementPort"`
}

// LoadBalancerOutput tells how to reach the load balancer; its ports are those published on the host.
type LoadBalancerOutput struct {
	Container      string `json:"container"`
	AMQPPort       int    `json:"amqpPort"`
	ManagementPort int    `json:"managementPort"`
	StatsPort      int    `json:"statsPort"`
}
