package topology

// Files and folders inside the containers of a cluster.
const (
	// DataPath is where a node's volume is mounted. RabbitMQ keeps its data and its Erlang cookie there.
	DataPath = "/var/lib/rabbitmq"
	// DataCookiePath is the Erlang cookie that RabbitMQ and its command-line tools read.
	DataCookiePath = DataPath + "/.erlang.cookie"

	// RabbitMQConfFolder is the folder of a node's configuration files.
	RabbitMQConfFolder = "/etc/rabbitmq"
	// RabbitMQConfPath, AdvancedConfigPath and EnabledPluginsPath are a node's configuration files.
	RabbitMQConfPath   = RabbitMQConfFolder + "/rabbitmq.conf"
	AdvancedConfigPath = RabbitMQConfFolder + "/advanced.config"
	EnabledPluginsPath = RabbitMQConfFolder + "/enabled_plugins"

	// UploadPath is where the files that only Warren's own programs read are put.
	UploadPath = "/etc/warren"
	// CookiePath is the Erlang cookie as it was uploaded. Only root can read it.
	CookiePath = UploadPath + "/erlang.cookie"
	// UploadedDefinitionsPath is the file with the definitions as it was uploaded. Only root can read it.
	UploadedDefinitionsPath = UploadPath + "/definitions.json"
	// UploadedCertificatePath and UploadedAuthorityPath are the certificate of a node, with its key, and that of
	// the authority, as they were uploaded to the membership.
	UploadedCertificatePath = UploadPath + "/certificate.pem"
	UploadedAuthorityPath   = UploadPath + "/ca.pem"
	// UploadedClientAuthorityPath is the certificate of the authority of clients' certificates.
	UploadedClientAuthorityPath = UploadPath + "/client-ca.pem"
	// UploadedInterNodePath and UploadedInterNodeAuthorityPath are the same for what nodes and command-line
	// tools say to each other.
	UploadedInterNodePath          = UploadPath + "/inter-node.pem"
	UploadedInterNodeAuthorityPath = UploadPath + "/inter-node-ca.pem"
	// InterNodeOptionsPath is how nodes and command-line tools connect to each other over TLS. It is there only
	// if they do.
	InterNodeOptionsPath = UploadPath + "/inter_node_tls.config"
	// PromptElectionPath is the Erlang module that lets followers call an election promptly.
	PromptElectionPath = UploadPath + "/prompt_election.erl"

	// NodePulsePath is the Erlang module by which a node tells its agent how it stands.
	NodePulsePath = UploadPath + "/node_pulse.erl"

	// DesiredVariable is the environment variable that tells the agent in a container what is desired, as JSON.
	DesiredVariable = "WARREN_DESIRED"

	// RunPath holds what a program in a container tells others in the same container.
	RunPath = "/run/warren"
	// DefinitionsPath is where a node reads its definitions from.
	DefinitionsPath = RunPath + "/definitions.json"

	// TLSPath is where the volume is mounted over which a node gets its certificate from its membership. It is
	// there only if the stack has TLS.
	TLSPath = "/var/lib/warren-tls"
	// CertificatePath is the node's certificate with its key, AuthorityPath that of the authority.
	CertificatePath = TLSPath + "/certificate.pem"
	AuthorityPath   = TLSPath + "/ca.pem"
	// ClientAuthorityPath is the certificate of the authority of clients' certificates. It is there only if
	// clients may show some.
	ClientAuthorityPath = TLSPath + "/client-ca.pem"
	// InterNodePath is the certificate with its key by which a node, or a command-line tool in its container,
	// is recognised by other nodes, InterNodeAuthorityPath that of the authority by which it recognises them.
	InterNodePath          = TLSPath + "/inter-node.pem"
	InterNodeAuthorityPath = TLSPath + "/inter-node-ca.pem"

	// HAProxyConfFolder is the folder of HAProxy's configuration.
	HAProxyConfFolder = "/usr/local/etc/haproxy"
	// HAProxyConfPath is where HAProxy reads its configuration from.
	HAProxyConfPath = HAProxyConfFolder + "/haproxy.cfg"

	// LoadBalancerPath is where the volume is mounted that connects HAProxy with the container that has its
	// configuration.
	LoadBalancerPath = "/var/lib/warren"
	// LoadBalancerCertificatePath is the load balancer's certificate with its key, and LoadBalancerSocketPath
	// is where HAProxy takes another one in its place, while it runs.
	LoadBalancerCertificatePath = LoadBalancerPath + "/certificate.pem"
	LoadBalancerSocketPath      = LoadBalancerPath + "/admin.sock"
)

// What the agent of a node answers load balancers at AgentPort.
const (
	// AlivePath answers 204. The agent of a frozen node does not answer.
	AlivePath = "/alive"
	// TakesClientsPath is where a load balancer with a virtual address answers, at BalancerMetricsPort, 200 if
	// it has a node that serves clients.
	TakesClientsPath = "/takes-clients"
	// VerdictPath answers a line for HAProxy's agent check: whether the node takes clients.
	VerdictPath = "/verdict"
)
