// Package certificate makes and checks the certificates by which the clients of a stack recognise its nodes
// and load balancers. It is pure: the same authority, names and time always give the same certificates, so
// that a deployment changes none before that is due.
package certificate

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"time"
)

// How long certificates last.
const (
	// AuthorityLifetime is how long a stack's authority is valid. Clients must be told of another one.
	AuthorityLifetime = 10 * 365 * 24 * time.Hour
	// Period is the time after which a deployment issues other certificates.
	Period = 180 * 24 * time.Hour
	// Lifetime is how long they are valid: at least 217 days from the deployment that issued them. Some
	// clients refuse certificates that are valid for more than 398 days.
	Lifetime = 397 * 24 * time.Hour
	// ExpiresSoon is how long before its end a certificate is warned of.
	ExpiresSoon = 30 * 24 * time.Hour
)

// The types of PEM blocks.
const (
	typeCertificate = "CERTIFICATE"
	typeKey         = "PRIVATE KEY" // PKCS #8
)

// Pair is a certificate with its key, both in PEM.
type Pair struct {
	// Chain is the certificate, followed by those between it and the authority's.
	Chain string
	// Key is the private key. It is secret.
	Key string
}

// PEM is the pair as one file, as RabbitMQ and HAProxy read it: one file is replaced in one step. It has the
// key and the certificates and nothing else, such as empty lines, at which HAProxy would stop to read.
func (p Pair) PEM() string {
	keys := blocks(p.Key, func(kind string) bool { return strings.HasSuffix(kind, typeKey) })
	return keys + blocks(p.Chain, func(kind string) bool { return kind == typeCertificate })
}

// blocks are the PEM blocks of some types in a text.
func blocks(text string, wanted func(kind string) bool) string {
	var b strings.Builder
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return b.String()
		}
		if wanted(block.Type) {
			b.WriteString(encode(block.Type, block.Bytes))
		}
	}
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// Parse reads the certificates in a PEM text. Blocks of other types are skipped, what is no PEM is ignored.
func Parse(text string) ([]*x509.Certificate, error) {
	var certificates []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return certificates, nil
		}
		if block.Type != typeCertificate {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certificates = append(certificates, c)
	}
}
