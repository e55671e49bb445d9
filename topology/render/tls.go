package render

import "warren/topology"

// TLSListeners are a node's listeners with TLS.
func (d rabbitmqConfData) TLSListeners() []tlsListener {
	return []tlsListener{
		{"AMQP", "listeners.ssl.default", topology.AMQPTLSPort, "ssl_options", d.TLSClientAuthority != ""},
		{"The management interface", "management.ssl.port", topology.ManagementTLSPort, "management.ssl", false},
		{"The metrics", "prometheus.ssl.port", topology.PrometheusTLSPort, "prometheus.ssl", false},
	}
}

// tlsListener is a listener with TLS.
type tlsListener struct {
	Title string
	// PortKey is the key of its port in rabbitmq.conf, and Options begins the keys of its options.
	PortKey string
	Port    int
	Options string
	// Asks tells that it asks clients for a certificate.
	Asks bool
}

// CertificatePath is the node's certificate with its key.
func (tlsListener) CertificatePath() string { return topology.CertificatePath }

// AuthorityPath is the certificate of the authority: by which clients' certificates are judged, if it asks
// for them.
func (l tlsListener) AuthorityPath() string {
	if l.Asks {
		return topology.ClientAuthorityPath
	}
	return topology.AuthorityPath
}

// Versions are the versions of TLS that nodes accept, the newest first.
func (tlsListener) Versions() []string { return []string{"tlsv1.3", "tlsv1.2"} }

// Ciphers are those of TLS 1.3, and then those of 1.2.
func (tlsListener) Ciphers() []string { return append(append([]string{}, cipherSuites...), ciphers...) }

// The ciphers are those that RabbitMQ's guide advises (https://www.rabbitmq.com/docs/ssl#cipher-suites): all
// with forward secrecy and authenticated encryption.
var (
	// cipherSuites are those of TLS 1.3.
	cipherSuites = []string{"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"}
	// ciphers are those of TLS 1.2.
	ciphers = []string{
		"ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384",
		"ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
		"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256",
	}
)
