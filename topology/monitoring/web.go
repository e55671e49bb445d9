package monitoring

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"golang.org/x/crypto/blowfish" //nolint:staticcheck // deprecated but for what is made of it, as bcrypt is

	"warren/topology"
)

// webFile is a configuration of pages, of Prometheus and of Alertmanager.
type webFile struct {
	TLS   *webTLS           `yaml:"tls_server_config,omitempty"`
	Users map[string]string `yaml:"basic_auth_users"`
}

type webTLS struct {
	CertificateFile string `yaml:"cert_file"`
	KeyFile         string `yaml:"key_file"`
}

// WebConf renders what makes Prometheus and Alertmanager ask for a password at their pages, and answer over
// TLS only if the stack has it. It holds a hash of the password of the statistics page.
func WebConf(stack Stack, s topology.Secrets) string {
	file := webFile{Users: map[string]string{stack.Username: passwordHash(stack.Username, s)}}
	if stack.PagesTLS {
		file.TLS = &webTLS{CertificatePath, CertificatePath} // one file has both
	}
	return render(file)
}

// hashCost is bcrypt's, as a power of two.
const hashCost = 10

// bcryptEncoding is base64 with an alphabet of bcrypt's own.
var bcryptEncoding = base64.NewEncoding("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789").
	WithPadding(base64.NoPadding)

// passwordHash is the bcrypt hash of a password, the one form that Prometheus takes. The salt follows from
// the Erlang cookie and the password, because a hash that changes with every rendering would replace the
// containers with every deployment. Package bcrypt, which checks the hash in the tests, draws its salt at
// random.
func passwordHash(username string, s topology.Secrets) string {
	const length = 16
	purpose := "salt of the password of " + username
	salt, err := hkdf.Key(sha256.New, []byte(s.ErlangCookie), []byte(s.StatsPassword), purpose, length)
	if err != nil {
		panic("monitoring: " + err.Error()) // only if more bytes were asked for than HKDF has
	}
	key := append([]byte(s.StatsPassword), 0)
	cipher, err := blowfish.NewSaltedCipher(key, salt)
	if err != nil {
		panic("monitoring: " + err.Error()) // only without a key
	}
	for range 1 << hashCost {
		blowfish.ExpandKey(key, cipher)
		blowfish.ExpandKey(salt, cipher)
	}
	hash := []byte("OrpheanBeholderScryDoubt")
	for block := 0; block < len(hash); block += blowfish.BlockSize {
		for range 64 {
			cipher.Encrypt(hash[block:], hash[block:])
		}
	}
	// Of the last byte, bcrypt writes nothing.
	return fmt.Sprintf("$2a$%02d$%s%s", hashCost, bcryptEncoding.EncodeToString(salt),
		bcryptEncoding.EncodeToString(hash[:len(hash)-1]))
}
