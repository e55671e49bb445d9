package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net/netip"
	"strings"
	"time"
)

// Authority is the certificate authority of one stack.
type Authority struct {
	// Certificate is the authority's own certificate in PEM, by which clients recognise the stack.
	Certificate string

	key  *ecdsa.PrivateKey
	self *x509.Certificate
}

// NewAuthority draws an authority for a stack. The pair is what ReadAuthority reads; it belongs into the
// stack's encrypted state and nowhere else.
func NewAuthority(stack string, now time.Time) (Pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Pair{}, fmt.Errorf("draw the key of a certificate authority: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(randomBytes(serialBytes)),
		Subject:      pkix.Name{CommonName: "Warren CA of stack " + stack, Organization: []string{"Warren"}},
		// Clocks differ, and a client's may be behind.
		NotBefore:             now.UTC().Truncate(time.Second).Add(-clockSkew),
		NotAfter:              now.UTC().Truncate(time.Second).Add(AuthorityLifetime),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true, // it signs no other authorities
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return Pair{}, fmt.Errorf("sign the certificate of an authority: %w", err)
	}
	return newPair(der, key)
}

const (
	// clockSkew is how far a client's clock may be behind.
	clockSkew = time.Hour
	// serialBytes is the length of a serial number: enough that none is drawn twice, and at most 20.
	serialBytes = 16
)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	b[0] &= 0x7f        // a serial number is positive
	return b
}

func newPair(der []byte, key *ecdsa.PrivateKey) (Pair, error) {
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return Pair{}, fmt.Errorf("write a private key: %w", err)
	}
	return Pair{Chain: encode(typeCertificate, der), Key: encode(typeKey, secret)}, nil
}

// ReadAuthority reads an authority as NewAuthority made it.
func ReadAuthority(pair Pair) (*Authority, error) {
	key, err := parseKey(pair.Key)
	if err != nil {
		return nil, fmt.Errorf("the key of the stack's certificate authority: %w", err)
	}
	own, isECDSA := key.(*ecdsa.PrivateKey)
	certificates, err := Parse(pair.Chain)
	switch {
	case err != nil:
		return nil, fmt.Errorf("the certificate of the stack's authority: %w", err)
	case !isECDSA || len(certificates) != 1 || !own.PublicKey.Equal(certificates[0].PublicKey):
		return nil, errors.New("the certificate and the key of the stack's authority do not belong together")
	}
	return &Authority{Certificate: pair.Chain, key: own, self: certificates[0]}, nil
}

// Subject is who gets a certificate.
type Subject struct {
	// Name tells the subjects of a stack apart, such as "rabbit1".
	Name string
	// Names are the host names and IP addresses by which clients reach it.
	Names []string
	// Peer says that it also shows the certificate to those that it connects to, as nodes do to each other.
	Peer bool
}

// Issue returns the certificate of a subject. It depends on the time only in steps of Period: until one ends,
// every call gives the same. Another renewal, which may be any text, gives another certificate and key.
func (a *Authority) Issue(subject Subject, renewal string, now time.Time) (Pair, error) {
	begin := a.begin(now)
	name := subject.Name
	usages := []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	if subject.Peer {
		name, usages = name+"\x00peer", append(usages, x509.ExtKeyUsageClientAuth)
	}
	identity := strings.Join([]string{name, renewal, begin.Format(time.RFC3339)}, "\x00")
	key, err := a.deriveKey("key of " + identity)
	if err != nil {
		return Pair{}, err
	}
	serial, err := a.derive("serial number of "+identity+"\x00"+strings.Join(subject.Names, "\x00"), serialBytes)
	if err != nil {
		return Pair{}, err
	}
	serial[0] = serial[0]&0x7f | 0x40 // positive, and always as long
	template := &x509.Certificate{
		SerialNumber:          new(big.Int).SetBytes(serial),
		Subject:               pkix.Name{CommonName: subject.Name, Organization: a.self.Subject.Organization},
		NotBefore:             begin,
		NotAfter:              earlier(begin.Add(Lifetime), a.self.NotAfter),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           usages,
		BasicConstraintsValid: true,
	}
	for _, name := range subject.Names {
		if ip, err := netip.ParseAddr(name); err == nil {
			template.IPAddresses = append(template.IPAddresses, ip.AsSlice())
		} else {
			template.DNSNames = append(template.DNSNames, name)
		}
	}
	// Without a source of random numbers, the signature follows from the key and what is signed (RFC 6979).
	der, err := x509.CreateCertificate(nil, template, a.self, key.Public(), a.key)
	if err != nil {
		return Pair{}, fmt.Errorf("sign the certificate of %s: %w", subject.Name, err)
	}
	return newPair(der, key)
}

// begin is when certificates that are issued at some time become valid: the begin of the period.
func (a *Authority) begin(now time.Time) time.Time {
	periods := max(0, now.Sub(a.self.NotBefore)/Period)
	return a.self.NotBefore.Add(periods * Period)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// derive returns bytes that follow from the authority's key and a purpose.
func (a *Authority) derive(purpose string, n int) ([]byte, error) {
	secret, err := a.key.Bytes()
	if err != nil {
		return nil, fmt.Errorf("read the key of the stack's authority: %w", err)
	}
	return hkdf.Key(sha256.New, secret, nil, "warren "+purpose, n)
}

// deriveKey returns a private key that follows from the authority's. It takes 128 bits more than the curve
// has, so that what is left of a division is as good as evenly spread (FIPS 186-5, A.2.1).
func (a *Authority) deriveKey(purpose string) (*ecdsa.PrivateKey, error) {
	curve := elliptic.P256()
	size := (curve.Params().BitSize + 7) / 8
	bytes, err := a.derive(purpose, size+16)
	if err != nil {
		return nil, err
	}
	one := big.NewInt(1)
	scalar := new(big.Int).SetBytes(bytes)
	scalar.Mod(scalar, new(big.Int).Sub(curve.Params().N, one)).Add(scalar, one)
	key, err := ecdsa.ParseRawPrivateKey(curve, scalar.FillBytes(make([]byte, size)))
	if err != nil {
		return nil, fmt.Errorf("derive a private key: %w", err)
	}
	return key, nil
}
