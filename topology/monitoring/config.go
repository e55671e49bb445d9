package monitoring

import (
	"cmp"

	"warren/topology"
)

// Files of Prometheus and Alertmanager inside their containers.
const (
	PrometheusPath = topology.UploadPath + "/prometheus.yml"
	RulesPath      = topology.UploadPath + "/rules.yml"
	// WebPath asks for a password at the web pages of both.
	WebPath = topology.UploadPath + "/web.yml"
	// PasswordPath is the password with which Prometheus reads its own metrics and those of Alertmanager.
	PasswordPath     = topology.UploadPath + "/password"
	AlertmanagerPath = topology.UploadPath + "/alertmanager.yml"
	// CertificatePath is the certificate, with its key, of Prometheus or Alertmanager, and AuthorityPath that of
	// the authority, in stacks with TLS.
	CertificatePath = topology.UploadPath + "/certificate.pem"
	AuthorityPath   = topology.UploadPath + "/ca.pem"
)

type prometheusFile struct {
	Global struct {
		ScrapeInterval     string            `yaml:"scrape_interval"`
		ScrapeTimeout      string            `yaml:"scrape_timeout"`
		EvaluationInterval string            `yaml:"evaluation_interval"`
		ExternalLabels     map[string]string `yaml:"external_labels"`
	} `yaml:"global"`
	RuleFiles     []string       `yaml:"rule_files,omitempty"`
	Alerting      *alerting      `yaml:"alerting,omitempty"`
	ScrapeConfigs []scrapeConfig `yaml:"scrape_configs"`
}

type alerting struct {
	Alertmanagers []scrapeConfig `yaml:"alertmanagers"`
}

type scrapeConfig struct {
	Name      string              `yaml:"job_name,omitempty"`
	Interval  string              `yaml:"scrape_interval,omitempty"`
	Timeout   string              `yaml:"scrape_timeout,omitempty"`
	Path      string              `yaml:"metrics_path,omitempty"`
	Scheme    string              `yaml:"scheme,omitempty"`
	TLS       *tlsConfig          `yaml:"tls_config,omitempty"`
	BasicAuth *basicAuth          `yaml:"basic_auth,omitempty"`
	Params    map[string][]string `yaml:"params,omitempty"`
	// SampleLimit makes a target that suddenly has far more metrics fail instead of filling the disk.
	SampleLimit int            `yaml:"sample_limit,omitempty"`
	Targets     []staticConfig `yaml:"static_configs"`
	// Relabels says what is kept of what is read.
	Relabels []relabel `yaml:"metric_relabel_configs,omitempty"`
}

type relabel struct {
	From   []string `yaml:"source_labels,flow"`
	Regex  string   `yaml:"regex"`
	Action string   `yaml:"action"`
}

type basicAuth struct {
	Username     string `yaml:"username"`
	PasswordFile string `yaml:"password_file"`
}

// tlsConfig says by what a target is recognised.
type tlsConfig struct {
	AuthorityFile string `yaml:"ca_file"`
	ServerName    string `yaml:"server_name,omitempty"`
}

type staticConfig struct {
	Targets []string          `yaml:"targets"`
	Labels  map[string]string `yaml:"labels,omitempty"`
}

// sampleLimit is several times the metrics of a node, which are aggregated over its queues and connections.
const sampleLimit = 20_000

// scrapeTimeout is less than the interval, as Prometheus asks for.
const scrapeTimeout = scrapeInterval - 1e9

// PrometheusConf renders the configuration of the stack's own Prometheus.
func PrometheusConf(s Stack) string {
	file := scrapes(s, AuthorityPath)
	own := &basicAuth{s.Username, PasswordPath}
	alertmanager := []staticConfig{{Targets: []string{
		onNetwork(topology.AlertmanagerHost, topology.AlertmanagerWebPort),
	}}}
	file.RuleFiles = []string{RulesPath}
	file.Alerting = &alerting{[]scrapeConfig{s.over(s.PagesTLS, AuthorityPath, scrapeConfig{
		BasicAuth: own, Targets: alertmanager,
	})}}
	file.ScrapeConfigs = append(file.ScrapeConfigs,
		s.over(s.PagesTLS, AuthorityPath, scrapeConfig{
			Name: "prometheus", BasicAuth: own, Targets: []staticConfig{{Targets: []string{
				onNetwork("localhost", topology.PrometheusWebPort),
			}}},
		}),
		s.over(s.PagesTLS, AuthorityPath, scrapeConfig{
			Name: "alertmanager", BasicAuth: own, Targets: alertmanager,
		}),
	)
	return render(file)
}

// ScrapeFile renders what is read of the stack, for `scrape_config_files` of another Prometheus. The
// certificate of the authority, in stacks with TLS, is a file beside it.
func ScrapeFile(s Stack, authority string) string {
	configs := scrapes(s, authority).ScrapeConfigs
	for i, c := range configs { // the other Prometheus may read less often than the alerts need
		configs[i].Interval = cmp.Or(c.Interval, duration(scrapeInterval))
		configs[i].Timeout = cmp.Or(c.Timeout, duration(scrapeTimeout))
	}
	return render(struct {
		ScrapeConfigs []scrapeConfig `yaml:"scrape_configs"`
	}{configs})
}

// over is a reading, over TLS if that is so.
func (s Stack) over(tls bool, authority string, c scrapeConfig) scrapeConfig {
	if tls {
		c.Scheme, c.TLS = "https", &tlsConfig{authority, s.ServerName}
	}
	return c
}

// scrapes is what any Prometheus reads of the stack.
func scrapes(s Stack, authority string) prometheusFile {
	var file prometheusFile
	file.Global.ScrapeInterval = duration(scrapeInterval)
	file.Global.ScrapeTimeout = duration(scrapeTimeout)
	file.Global.EvaluationInterval = duration(scrapeInterval)
	file.Global.ExternalLabels = map[string]string{"stack": s.Name}
	file.ScrapeConfigs = []scrapeConfig{
		s.over(s.MetricsTLS, authority,
			scrapeConfig{Name: jobNodes, SampleLimit: sampleLimit, Targets: static("node", s.Nodes)}),
		s.over(s.MetricsTLS, authority, scrapeConfig{
			Name: jobBalancers,
			// without listeners
			Params:      map[string][]string{"scope": {"global", "frontend", "backend", "server"}},
			SampleLimit: sampleLimit, Targets: static("balancer", s.Balancers),
		}),
		{Name: jobAgents, SampleLimit: sampleLimit, Targets: static("agent", s.Agents)},
	}
	if len(s.Queues) > 0 {
		file.ScrapeConfigs = append(file.ScrapeConfigs, s.over(s.MetricsTLS, authority, s.queueScrape()))
	}
	for i := range file.ScrapeConfigs {
		file.ScrapeConfigs[i].Name = s.Prefix + file.ScrapeConfigs[i].Name
	}
	return file
}

// static are targets with their names under a label.
func static(label string, targets []Target) []staticConfig {
	var configs []staticConfig
	for _, t := range targets {
		labels := map[string]string{label: t.Name, "container": t.Container}
		if t.Role != "" {
			labels["role"] = t.Role
		}
		configs = append(configs, staticConfig{Targets: []string{t.Address}, Labels: labels})
	}
	return configs
}
