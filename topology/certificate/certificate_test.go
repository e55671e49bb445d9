package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	now     = time.Date(2026, 11, 26, 10, 0, 0, 0, time.UTC)
	rabbit1 = Subject{Name: "rabbit1", Names: []string{"rabbit1", "haproxy", "localhost", "127.0.0.1", "::1"}}
)

func newAuthority(t *testing.T) *Authority {
	t.Helper()
	pair, err := NewAuthority("dev", now)
	require.NoError(t, err)
	a, err := ReadAuthority(pair)
	require.NoError(t, err)
	return a
}

func issue(t *testing.T, a *Authority, s Subject, renewal string, at time.Time) (Pair, *x509.Certificate) {
	t.Helper()
	pair, err := a.Issue(s, renewal, at)
	require.NoError(t, err)
	certificates, err := Parse(pair.Chain)
	require.NoError(t, err)
	require.Len(t, certificates, 1)
	return pair, certificates[0]
}

func TestCertificatesAreTheSameUntilTheyAreRenewed(t *testing.T) {
	a := newAuthority(t)
	first, _ := issue(t, a, rabbit1, "", now)
	again, _ := issue(t, a, rabbit1, "", now.Add(Period-2*time.Hour))
	assert.Equal(t, first, again)
	for name, other := range map[string]func() (Pair, *x509.Certificate){
		"another period":  func() (Pair, *x509.Certificate) { return issue(t, a, rabbit1, "", now.Add(Period)) },
		"another renewal": func() (Pair, *x509.Certificate) { return issue(t, a, rabbit1, "2", now) },
		"another node": func() (Pair, *x509.Certificate) {
			return issue(t, a, Subject{Name: "rabbit2", Names: rabbit1.Names}, "", now)
		},
		"another authority": func() (Pair, *x509.Certificate) {
			return issue(t, newAuthority(t), rabbit1, "", now)
		},
	} {
		pair, _ := other()
		assert.NotEqual(t, first.Chain, pair.Chain, name)
		assert.NotEqual(t, first.Key, pair.Key, name)
	}
	more, _ := issue(t, a, Subject{Name: "rabbit1", Names: []string{"rabbit.example.com"}}, "", now)
	assert.NotEqual(t, first.Chain, more.Chain, "another name")
	assert.Equal(t, first.Key, more.Key)
}

func TestCertificatesAreAccepted(t *testing.T) {
	a := newAuthority(t)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM([]byte(a.Certificate)))
	_, leaf := issue(t, a, rabbit1, "", now)
	for _, name := range rabbit1.Names {
		_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: name, CurrentTime: now})
		assert.NoError(t, err, name)
	}
	_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "rabbit2", CurrentTime: now})
	assert.Error(t, err)
	assert.Equal(t, Lifetime, leaf.NotAfter.Sub(leaf.NotBefore))

	other := x509.NewCertPool()
	require.True(t, other.AppendCertsFromPEM([]byte(newAuthority(t).Certificate)))
	_, err = leaf.Verify(x509.VerifyOptions{Roots: other, CurrentTime: now})
	assert.Error(t, err)
}

// Whenever it is issued, a certificate lasts for half a year and more, until the authority ends.
func TestHowLongCertificatesLast(t *testing.T) {
	a := newAuthority(t)
	for _, after := range []time.Duration{0, Period - time.Second, Period, 5*Period + time.Hour} {
		_, leaf := issue(t, a, rabbit1, "", now.Add(after))
		assert.Greater(t, leaf.NotAfter.Sub(now.Add(after)), 216*24*time.Hour, after)
		assert.False(t, leaf.NotBefore.After(now.Add(after)), after)
	}
	_, last := issue(t, a, rabbit1, "", now.Add(AuthorityLifetime-time.Hour))
	assert.Equal(t, now.Add(AuthorityLifetime), last.NotAfter)
	_, early := issue(t, a, rabbit1, "", now.Add(-24*time.Hour)) // a clock that was put back
	assert.Equal(t, now.Add(-clockSkew), early.NotBefore)
}

func TestAnAuthorityThatCanNotBeRead(t *testing.T) {
	pair, err := NewAuthority("dev", now)
	require.NoError(t, err)
	other, err := NewAuthority("dev", now)
	require.NoError(t, err)
	for name, broken := range map[string]Pair{
		"no key":         {Chain: pair.Chain},
		"no certificate": {Key: pair.Key},
		"another's key":  {Chain: pair.Chain, Key: other.Key},
	} {
		_, err := ReadAuthority(broken)
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "BEGIN")
	}
}

func TestOwnCertificates(t *testing.T) {
	a := newAuthority(t)
	good, _ := issue(t, a,
		Subject{Name: "rabbit.example.com", Names: []string{"rabbit.example.com", "127.0.0.1"}}, "", now)
	own := Own{Certificate: good.Chain, Key: good.Key, Authority: a.Certificate}
	names := []string{"rabbit.example.com", "127.0.0.1"}
	assert.Empty(t, own.Check(names, now))
	assert.True(t, own.Given())
	assert.False(t, Own{}.Given())

	elsewhere := newAuthority(t)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalECPrivateKey(stranger)
	require.NoError(t, err)
	for name, test := range map[string]struct {
		change func(*Own)
		at     time.Time
		says   []string
	}{
		"no key":       {func(o *Own) { o.Key = "" }, now, []string{"tlsKey is missing"}},
		"no authority": {func(o *Own) { o.Authority = "" }, now, []string{"tlsCaCertificate is missing"}},
		"no PEM": {func(o *Own) {
			o.Certificate = "MII"
		}, now, []string{"tlsCertificate has no certificate"}},
		"key of another": {func(o *Own) {
			o.Key = encode("EC PRIVATE KEY", der)
		}, now, []string{"tlsKey is the key of another"}},
		"encrypted key": {func(o *Own) {
			o.Key = encode("ENCRYPTED PRIVATE KEY", der)
		}, now, []string{"tlsKey is encrypted"}},
		"other authority": {func(o *Own) {
			o.Authority = elsewhere.Certificate
		}, now, []string{"tlsCertificate does not lead"}},
		"no authority's": {func(o *Own) {
			o.Authority = good.Chain
		}, now, []string{"tlsCaCertificate has the certificate of rabbit.example.com, which is no authority"}},
		"authority first": {func(o *Own) {
			o.Certificate = a.Certificate + good.Chain
		}, now, []string{"tlsCertificate begins with an authority's", "tlsKey is the key"}},
		"ended": {func(*Own) {}, now.Add(Lifetime + time.Hour),
			[]string{"tlsCertificate ended on 2027-12-28"}},
		"not yet valid": {func(*Own) {}, now.Add(-48 * time.Hour),
			[]string{"tlsCertificate is not valid before 2026-11-26"}},
		"all wrong at one": {func(o *Own) {
			*o = Own{Key: "x"}
		}, now, []string{"tlsCertificate is missing", "tlsKey has no private key", "tlsCaCertificate is missing"}},
	} {
		changed := own
		test.change(&changed)
		var said []string
		for _, m := range changed.Check(nil, test.at) {
			said = append(said, m.Part+" "+m.Wrong)
			assert.NotEmpty(t, m.Remedy, name)
		}
		text := strings.Join(said, "\n")
		for _, want := range test.says {
			assert.Contains(t, text, want, name)
		}
		assert.NotContains(t, text, "BEGIN", name)
	}
	lacking := own.Check([]string{"rabbit.example.com", "mq.example.com", "192.0.2.1"}, now)
	require.Len(t, lacking, 1)
	assert.Contains(t, lacking[0].Wrong, "is not for mq.example.com, 192.0.2.1,")
}

func TestOneFile(t *testing.T) {
	pair, err := NewAuthority("dev", now)
	require.NoError(t, err)
	assert.Equal(t, pair.Key+pair.Chain, pair.PEM())
	padded := Pair{Key: encode("EC PARAMETERS", []byte{1}) + "\n\n" + pair.Key + "\n",
		Chain: "subject=x\n\n" + pair.Chain + "\n\n"}
	assert.Equal(t, pair.PEM(), padded.PEM())
}
