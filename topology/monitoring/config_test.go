package monitoring

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/bcrypt"

	"warren/topology"
	"warren/topology/certificate"
	"warren/topology/stackconfig"
)

var testSecrets = topology.Secrets{AdminPassword: "admin's", StatsPassword: "stats' w:ö",
	ErlangCookie: "COOKIE"}

func TestPromtoolAcceptsTheConfiguration(t *testing.T) {
	for name, config := range map[string]stackconfig.Config{
		"plain text": monitored, "TLS": {TLS: topology.TLSRequired, Monitoring: monitored.Monitoring},
	} {
		t.Run(name, func(t *testing.T) { acceptsConfiguration(t, stackOf(t, config)) })
	}
}

func acceptsConfiguration(t *testing.T, s Stack) {
	t.Helper()
	tool, folder := promtool(t), t.TempDir()
	require.NoError(t, os.Chmod(folder, 0o755))
	pair, err := certificate.NewAuthority("test", time.Now())
	require.NoError(t, err)
	for name, text := range map[string]string{
		"prometheus.yml":  strings.ReplaceAll(PrometheusConf(s), topology.UploadPath+"/", ""),
		"rules.yml":       RuleFile(s.Name, Rules(s)),
		"web.yml":         strings.ReplaceAll(WebConf(s, testSecrets), topology.UploadPath+"/", ""),
		"password":        testSecrets.StatsPassword,
		"ca.pem":          pair.Chain,
		"certificate.pem": pair.PEM(),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644))
	}
	output, err := tool(folder, "check", "config", "--lint=all", "--lint-fatal", "prometheus.yml")
	require.NoErrorf(t, err, "%s", output)
	output, err = tool(folder, "check", "web-config", "web.yml")
	require.NoErrorf(t, err, "%s", output)
}

func TestPasswordHashIsBcrypts(t *testing.T) {
	for _, password := range []string{"x", testSecrets.StatsPassword, strings.Repeat("long", 18)[:71]} {
		hash := passwordHash("admin", topology.Secrets{StatsPassword: password, ErlangCookie: "COOKIE"})
		require.NoError(t, bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)))
		assert.Error(t, bcrypt.CompareHashAndPassword([]byte(hash), []byte("another than "+password)))
	}
}

// TestHashIsStable keeps deployments from replacing the containers.
func TestHashIsStable(t *testing.T) {
	hash := passwordHash("admin", testSecrets)
	assert.Equal(t, hash, passwordHash("admin", testSecrets))
	other := testSecrets
	other.ErlangCookie = "ANOTHER"
	assert.NotEqual(t, hash, passwordHash("admin", other), "the salt is not the same for two stacks")
	assert.NotEqual(t, hash, passwordHash("operator", testSecrets))
}

func TestFilesHaveNoPassword(t *testing.T) {
	s := testStack(t)
	for _, text := range []string{
		PrometheusConf(s), RuleFile(s.Name, Rules(s)), AlertmanagerConf(), WebConf(s, testSecrets),
	} {
		for _, secret := range []string{testSecrets.AdminPassword, testSecrets.StatsPassword,
			testSecrets.ErlangCookie} {
			assert.NotContains(t, text, secret)
		}
	}
}

func TestEveryNodeAndLoadBalancerIsRead(t *testing.T) {
	var hosts []topology.Host
	for _, n := range []string{"1", "2", "3"} {
		address := "192.0.2." + n
		hosts = append(hosts, topology.Host{Name: "h" + n, Engine: "tcp://" + address + ":2376", Address: address})
	}
	for name, tc := range map[string]struct {
		config stackconfig.Config
		want   []string
	}{
		"one engine": {stackconfig.Config{}, []string{
			"rabbit1:15692", "rabbit2:15692", "rabbit3:15692", "haproxy:8405",
			"rabbit1:15700", "rabbit1-join:15700", "rabbit2:15700", "rabbit2-join:15700", "rabbit3:15700",
			"rabbit3-join:15700", "formation:15701",
		}},
		"hosts": {stackconfig.Config{Hosts: hosts},
			[]string{
				"rabbit1:15692", "192.0.2.2:15692", "192.0.2.3:15692", "haproxy:8405", "192.0.2.2:8405",
				"rabbit1:15700", "rabbit1-join:15700", "192.0.2.2:15700", "192.0.2.3:15700", "formation:15701",
			}},
	} {
		t.Run(name, func(t *testing.T) {
			cluster, err := stackconfig.New("test", tc.config)
			require.NoError(t, err)
			var file prometheusFile
			require.NoError(t, yaml.Unmarshal([]byte(PrometheusConf(Of(cluster.Outputs(topology.Secrets{})))), &file))
			var targets []string
			for _, job := range file.ScrapeConfigs[:3] {
				for _, target := range job.Targets {
					targets = append(targets, target.Targets...)
				}
			}
			assert.Equal(t, tc.want, targets)
		})
	}
}

func TestChosenQueuesAreReadByThemselves(t *testing.T) {
	text := PrometheusConf(testStack(t))
	assert.Contains(t, text, "metrics_path: /metrics/detailed")
	assert.Contains(t, text, "- ^(?:(?:orders)|(?:invoices.*))$", "nodes answer with these only")
	assert.Contains(t, text, "regex: (?:orders)|(?:invoices.*)", "and those that do not know how are filtered")
	assert.NotContains(t, PrometheusConf(Stack{Name: "test"}), "/metrics/detailed", "unless there are some")
}

func TestWhatIsReadOverTLS(t *testing.T) {
	config := monitored
	config.TLS = topology.TLSRequired
	s := stackOf(t, config)
	text := PrometheusConf(s)
	assert.Equal(t, 6, strings.Count(text, ":15691"), "nodes, and chosen queues on them")
	assert.Equal(t, 1, strings.Count(text, ":8406"), "the load balancer")
	assert.Equal(t, 6, strings.Count(text, "scheme: https"), "these, and both pages")
	assert.NotContains(t, text, "server_name", "they are recognised by their host names")
	assert.Contains(t, WebConf(s, testSecrets), "cert_file: "+CertificatePath)

	config.TLSNames = []string{"rabbit.example.com"}
	assert.Equal(t, 6, strings.Count(PrometheusConf(stackOf(t, config)), "server_name: rabbit.example.com"))
	plain := testStack(t)
	assert.NotContains(t, PrometheusConf(plain)+WebConf(plain, testSecrets), "tls")
}
