package node

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestANodeWaitsForTheFilesThatItsConfigurationNames(t *testing.T) {
	folder := t.TempDir()
	conf, absent := filepath.Join(t.TempDir(), "rabbitmq.conf"), filepath.Join(t.TempDir(), "absent")
	require.NoError(t, os.WriteFile(conf, []byte("ssl_options.certfile = "+folder+"/certificate.pem\n"+
		"ssl_options.cacertfile = "+folder+"/client-ca.pem\nheartbeat = 60\n"), 0o600))
	write := func(name string) {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), nil, 0o600))
	}
	assert.Equal(t, folder+"/certificate.pem", missingFrom(folder, absent, conf))
	write("certificate.pem")
	assert.Equal(t, folder+"/client-ca.pem", missingFrom(folder, absent, conf))
	write("client-ca.pem")
	assert.Empty(t, missingFrom(folder, absent, conf))
}
