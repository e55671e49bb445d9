package certificate

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Own is an operator's own certificate, all in PEM.
type Own struct {
	// Certificate is the certificate, followed by those between it and the authority's.
	Certificate string
	// Key is its private key. It is secret.
	Key string
	// Authority is the certificate of the authority, or of several, by which clients recognise it.
	Authority string
}

// Given tells whether any part of it is given.
func (o Own) Given() bool { return o != Own{} }

// Pair is the certificate with its key.
func (o Own) Pair() Pair { return Pair{Chain: o.Certificate, Key: o.Key} }

// Ends returns when the certificate ends.
func (o Own) Ends() (time.Time, error) {
	certificates, err := Parse(o.Certificate)
	if err != nil || len(certificates) == 0 {
		return time.Time{}, errors.New("there is no certificate")
	}
	return certificates[0].NotAfter, nil
}

// The parts of an operator's own certificate, as the configuration names them.
const (
	CertificateKey = "tlsCertificate"
	KeyKey         = "tlsKey"
	AuthorityKey   = "tlsCaCertificate"
)

// Mistake is something that is wrong with one of the parts. It shows no secret.
type Mistake struct {
	// Part is CertificateKey, KeyKey or AuthorityKey.
	Part string
	// Wrong says what is wrong, Remedy what to do about it.
	Wrong, Remedy string
}

// Check returns everything that would keep clients from using it: parts that are missing or can't be read, a
// key of another certificate, a chain that does not lead to the authority, dates, and names that it does not
// have. names are the host names and IP addresses by which clients reach the stack.
func (o Own) Check(names []string, now time.Time) []Mistake {
	var mistakes []Mistake
	add := func(part, wrong, remedy string) { mistakes = append(mistakes, Mistake{part, wrong, remedy}) }
	chain := o.readCertificates(CertificateKey, o.Certificate, add)
	authorities := o.readCertificates(AuthorityKey, o.Authority, add)
	key := o.readKey(add)
	for _, c := range authorities {
		switch {
		case !c.IsCA:
			add(AuthorityKey, fmt.Sprintf("has the certificate of %s, which is no authority", subjectOf(c)),
				"give the certificate of the authority that signed yours")
		case now.After(c.NotAfter):
			add(AuthorityKey, "ended on "+day(c.NotAfter), "give one that is valid")
		}
	}
	if len(chain) == 0 {
		return mistakes
	}
	leaf := chain[0]
	if key != nil && !samePublicKey(key, leaf) {
		add(KeyKey, "is the key of another certificate than "+CertificateKey, "give the key that belongs to it")
	}
	switch {
	case leaf.IsCA:
		add(CertificateKey, "begins with an authority's certificate", "put the server's certificate first")
	case now.After(leaf.NotAfter):
		add(CertificateKey, "ended on "+day(leaf.NotAfter), "give one that is valid")
	case now.Before(leaf.NotBefore):
		add(CertificateKey, "is not valid before "+day(leaf.NotBefore), "give one that is valid now")
	case len(authorities) > 0:
		if err := leads(chain, authorities, now); err != nil {
			add(CertificateKey, fmt.Sprintf("does not lead to the authority in %s (%v)", AuthorityKey, err),
				"append the certificates between the two, or give the authority that signed it")
		}
	}
	var lacking []string
	for _, name := range names {
		if leaf.VerifyHostname(name) != nil {
			lacking = append(lacking, name)
		}
	}
	if len(lacking) > 0 {
		add(CertificateKey, fmt.Sprintf("is not for %s, by which clients reach the stack",
			strings.Join(lacking, ", ")),
			"have one issued for these names too, or list in warren:tlsNames the names that clients do use")
	}
	return mistakes
}

type report func(part, wrong, remedy string)

func (o Own) readCertificates(part, text string, add report) []*x509.Certificate {
	certificates, err := Parse(text)
	switch {
	case text == "":
		add(part, "is missing", fmt.Sprintf("set %s, %s and %s together, or none of them",
			CertificateKey, KeyKey, AuthorityKey))
	case err != nil:
		add(part, fmt.Sprintf("has a certificate that can't be read (%v)", err), "give it in PEM")
	case len(certificates) == 0:
		add(part, "has no certificate", "give it in PEM, with its line -----BEGIN CERTIFICATE-----")
	}
	return certificates
}

func (o Own) readKey(add report) crypto.Signer {
	if o.Key == "" {
		add(KeyKey, "is missing", fmt.Sprintf("set %s, %s and %s together, or none of them",
			CertificateKey, KeyKey, AuthorityKey))
		return nil
	}
	key, err := parseKey(o.Key)
	if err != nil {
		add(KeyKey, err.Error(), "give it in PEM and without a passphrase: `openssl pkcs8 -topk8 -nocrypt`")
	}
	return key
}

// parseKey reads the private key in a PEM text. The error has nothing of the text.
func parseKey(text string) (crypto.Signer, error) {
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return nil, errors.New("has no private key that can be read")
		}
		if strings.Contains(block.Type, "ENCRYPTED") || block.Headers["DEK-Info"] != "" {
			return nil, errors.New("is encrypted with a passphrase")
		}
		var key any
		var err error
		switch block.Type {
		case typeKey:
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "RSA PRIVATE KEY":
			key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		default: // such as the parameters of the curve, which openssl writes
			continue
		}
		if signer, ok := key.(crypto.Signer); ok && err == nil {
			return signer, nil
		}
		return nil, errors.New("has a private key that can't be read")
	}
}

func samePublicKey(key crypto.Signer, c *x509.Certificate) bool {
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && public.Equal(c.PublicKey)
}

// leads tells what keeps a chain from leading to one of the authorities.
func leads(chain, authorities []*x509.Certificate, now time.Time) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range authorities {
		roots.AddCert(c)
	}
	for _, c := range slices.Clone(chain[1:]) {
		between.AddCert(c)
	}
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now})
	return err
}

func subjectOf(c *x509.Certificate) string {
	if c.Subject.CommonName != "" {
		return c.Subject.CommonName
	}
	return c.Subject.String()
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
