// Package dockerhost connects to the Docker engine of a host.
package dockerhost

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/docker/cli/cli/connhelper"
	"github.com/docker/docker/client"

	"warren/topology"
)

// Connect returns a client of a host's engine: at a socket, at an address with TLS or without, or by SSH, for
// which it runs `ssh` with the user's own settings and `docker system dial-stdio` on the host. It does not
// talk to the engine yet. The zero host is the engine that the environment names (DOCKER_HOST).
func Connect(host topology.Host) (*client.Client, error) {
	opts := []client.Opt{client.WithAPIVersionNegotiation()}
	switch {
	case host.Engine == "":
		opts = append(opts, client.FromEnv)
	case strings.HasPrefix(host.Engine, "ssh://"):
		helper, err := connhelper.GetConnectionHelperWithSSHOpts(host.Engine, host.SSHOptions)
		if err != nil {
			return nil, fmt.Errorf("engine of host %s: %w", host.Name, err)
		}
		opts = append(opts,
			client.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: helper.Dialer}}),
			client.WithHost(helper.Host), client.WithDialContext(helper.Dialer))
	default:
		opts = append(opts, client.WithHost(host.Engine))
	}
	if path := host.CertPath; path != "" {
		opts = append(opts, client.WithTLSClientConfig(
			filepath.Join(path, "ca.pem"), filepath.Join(path, "cert.pem"), filepath.Join(path, "key.pem")))
	}
	docker, err := client.NewClientWithOpts(opts...)
	if err != nil {
		return nil, fmt.Errorf("engine of host %s at %s: %w", host.Name, host.Engine, err)
	}
	return docker, nil
}
