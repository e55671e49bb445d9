package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/infra/engine/enginetest"
	"warren/infra/internal/pulumitest"
	"warren/topology"
	"warren/topology/certificate"
)

// ownCertificate is an operator's own certificate for the local address, as the configuration has it.
func ownCertificate(t *testing.T, at time.Time) map[string]string {
	t.Helper()
	pair, err := certificate.NewAuthority("own", at)
	require.NoError(t, err)
	authority, err := certificate.ReadAuthority(pair)
	require.NoError(t, err)
	own, err := authority.Issue(certificate.Subject{Name: "mq", Names: []string{"127.0.0.1"}}, "", at)
	require.NoError(t, err)
	return map[string]string{
		"warren:tls": "required", keyOf(certificate.CertificateKey): own.Chain, keyOf(certificate.KeyKey): own.Key,
		keyOf(certificate.AuthorityKey): authority.Certificate,
	}
}

func TestAStackWithTLS(t *testing.T) {
	for name, config := range map[string]map[string]string{
		"authority of its own":       {"warren:tls": "required"},
		"the operator's certificate": ownCertificate(t, time.Now()),
	} {
		t.Run(name, func(t *testing.T) {
			r, err := deploy(t, &enginetest.Fake{}, config, keyOf(certificate.KeyKey))
			require.NoError(t, err)
			containers := r.Of(pulumitest.Container)
			assert.Len(t, r.Of(pulumitest.Volume), 7, "data and certificate of each node, and the load balancer's")
			for _, container := range []string{"rabbit1-join", "haproxy-config"} {
				assert.Contains(t, containers, container)
			}
		})
	}
}

func TestMistakesInTheOperatorsCertificate(t *testing.T) {
	config := ownCertificate(t, time.Now())
	for name, test := range map[string]struct {
		changes   map[string]string
		encrypted []string
		says      []string
	}{
		"plain text": {nil, nil, []string{"warren:tlsKey is stored in plain text"}},
		"TLS is off": {map[string]string{"warren:tls": "off"}, []string{keyOf(certificate.KeyKey)},
			[]string{"warren:tls is off"}},
		"all at once": {
			map[string]string{keyOf(certificate.AuthorityKey): "", "warren:tlsNames": `["mq.example.com"]`,
				"warren:nodes": "none"}, nil,
			[]string{"tlsKey is stored in plain text", "tlsCaCertificate is missing", "warren:nodes"},
		},
		"names": {
			map[string]string{"warren:tlsNames": `["mq.example.com"]`}, []string{keyOf(certificate.KeyKey)},
			[]string{"tlsCertificate is not for mq.example.com"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			values := maps.Clone(config)
			maps.Copy(values, test.changes)
			_, _, err := settings{values: values, encrypted: test.encrypted}.resolve("dev")
			for _, text := range test.says {
				assert.ErrorContains(t, err, text)
			}
			assert.NotContains(t, err.Error(), "BEGIN")
		})
	}
}

// Whatever clients see, nodes recognise each other by the stack's own authority.
func TestNodesThatTalkOverTLS(t *testing.T) {
	own := ownCertificate(t, time.Now())
	for name, config := range map[string]map[string]string{
		"authority of its own": {"warren:tls": "required"}, "the operator's certificate": own,
	} {
		t.Run(name, func(t *testing.T) {
			values := maps.Clone(config)
			values["warren:tlsInterNode"] = "true"
			r, err := deploy(t, &enginetest.Fake{}, values, keyOf(certificate.KeyKey))
			require.NoError(t, err)
			containers := r.Of(pulumitest.Container)
			for container, files := range map[string]map[string]string{
				"rabbit1":   {topology.InterNodeOptionsPath: "0444"},
				"formation": {topology.UploadedInterNodePath: "0400", topology.InterNodeOptionsPath: "0444"},
				"rabbit1-join": {topology.UploadedInterNodePath: "0400", topology.InterNodeOptionsPath: "0444",
					topology.UploadedInterNodeAuthorityPath: "0444"},
			} {
				uploaded := containers[container].Permissions()
				for file, mode := range files {
					assert.Equal(t, mode, uploaded[file], "%s in %s", file, container)
				}
				assert.Contains(t, fmt.Sprint(pulumitest.Plain(containers[container].Inputs["envs"])),
					"RABBITMQ_CTL_ERL_ARGS=-proto_dist inet_tls", container)
			}
			assert.Equal(t, topology.DistributionTLS, containers["rabbit1"].Labels()[topology.LabelDistribution])
			certificate, authority := uploadedTo(t, containers["rabbit2-join"])
			assert.NotEqual(t, own[keyOf("tlsCaCertificate")], authority)
			pair, err := tls.X509KeyPair([]byte(certificate), []byte(certificate))
			require.NoError(t, err)
			leaf, err := x509.ParseCertificate(pair.Certificate[0])
			require.NoError(t, err)
			roots := x509.NewCertPool()
			require.True(t, roots.AppendCertsFromPEM([]byte(authority)))
			for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
				_, err = leaf.Verify(x509.VerifyOptions{
					DNSName: "rabbit2", Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage},
				})
				assert.NoError(t, err)
			}
		})
	}
}

// uploadedTo are the certificate with its key that a node shows to others, and that of the authority.
func uploadedTo(t *testing.T, membership pulumitest.Resource) (certificate, authority string) {
	t.Helper()
	for _, upload := range pulumitest.Array(membership.Inputs["uploads"]) {
		fields := upload.ObjectValue()
		switch fields["file"].StringValue() {
		case topology.UploadedInterNodePath:
			require.True(t, fields["content"].IsSecret())
			certificate, _ = pulumitest.Plain(fields["content"]).(string)
		case topology.UploadedInterNodeAuthorityPath:
			authority, _ = pulumitest.Plain(fields["content"]).(string)
		}
	}
	return certificate, authority
}
