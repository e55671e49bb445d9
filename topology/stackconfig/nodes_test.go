package stackconfig

import (
	"regexp"
	"testing"

	"warren/topology"
	"warren/topology/internal/sample"
	"warren/topology/render"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Whatever names are accepted, no two things in a stack have the same name, and every host name is one.
func TestAcceptedNamesCollideNowhere(t *testing.T) {
	name := rapid.OneOf(
		rapid.StringMatching(`(a|b)(-(join|minority))?`), // often enough a name and what follows from it
		rapid.StringMatching(`[a-z]([a-z0-9-]{0,4}[a-z0-9])?`),
		rapid.StringMatching(`(a|haproxy|formation|localhost)(-(join|data|minority|config))?`),
		rapid.StringMatching(`[a-z]{55,64}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		var config Config
		for _, n := range rapid.SliceOfNDistinct(name, 3, 5, rapid.ID).Draw(t, "names") {
			config.Nodes.List = append(config.Nodes.List, NodeConfig{Name: n})
		}
		c, err := New("dev", config)
		if err != nil {
			return
		}
		hosts := []string{topology.LoadBalancerHost, topology.FormationHost, "localhost"}
		containers := []string{
			c.LoadBalancerContainerName(), c.LoadBalancerConfigContainerName(), c.FormationContainerName(),
		}
		volumes := []string{c.LoadBalancerVolumeName()}
		for _, n := range c.Nodes {
			hosts = append(hosts, n.Name, topology.MembershipHost(n))
			containers = append(containers, c.ContainerName(n), c.MembershipContainerName(n))
			volumes = append(volumes, c.VolumeName(n))
		}
		for _, names := range [][]string{hosts, containers, volumes, serversOf(c)} {
			seen := map[string]bool{}
			for _, n := range names {
				require.False(t, seen[n], "%s twice in %q", n, names)
				seen[n] = true
			}
		}
		for _, host := range hosts {
			require.Regexp(t, `^[a-z][a-z0-9-]{0,62}$`, host)
		}
	})
}

// serversOf returns the names of the servers in haproxy.cfg's section for AMQP.
func serversOf(c *topology.Cluster) []string {
	section := regexp.MustCompile(`(?s)listen amqp\n.*?\nbackend `).FindString(
		render.HAProxyConf(c.Balancers()[0], sample.Secrets))
	var names []string
	for _, m := range regexp.MustCompile(`(?m)^    server (\S+)`).FindAllStringSubmatch(section, -1) {
		names = append(names, m[1])
	}
	return names
}
