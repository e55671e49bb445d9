// Command pulumi-resource-docker is the Docker provider plugin for Pulumi, for machines that cannot download
// the official one. It is made of what that one is made of: the Terraform provider for Docker, bridged by
// pulumi-terraform-bridge. Its resource types, names and defaults are those of the public SDK,
// github.com/pulumi/pulumi-docker/sdk/v4, whose version it is stamped with; the Image resource (docker-build)
// and the functions of that SDK are left out.
package main

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	docker "github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

// version is that of the public SDK the plugin serves; the linker sets it.
var version = "0.0.0-dev"

// schema is all that the engine asks of a package's schema when the program uses a generated SDK.
const schema = `{"name": "docker", "version": %q}`

func main() {
	tfbridge.Main("docker", version, provider(), fmt.Appendf(nil, schema, version))
}

// provider maps Terraform's resources onto the types of the public SDK.
func provider() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:           shimv2.NewProvider(docker.New(version)()),
		Name:        "docker",
		Version:     version,
		Description: "Docker resources for Pulumi",
		License:     "Apache-2.0",
		Config: map[string]*tfbridge.SchemaInfo{
			"host": {Default: &tfbridge.DefaultInfo{
				Value:   "unix:///var/run/docker.sock",
				EnvVars: []string{"DOCKER_HOST"},
			}},
			"registry_auth": {Name: "registryAuth", MaxItemsOne: tfbridge.False()},
		},
		Resources: map[string]*tfbridge.ResourceInfo{
			"docker_config": {Tok: resource("ServiceConfig")},
			"docker_container": {
				Tok: resource("Container"),
				// A container's name and ports are taken until it is gone.
				DeleteBeforeReplace: true,
				Fields: map[string]*tfbridge.SchemaInfo{
					"command":           {Name: "command"},
					"networks_advanced": {Name: "networksAdvanced"},
				},
			},
			"docker_image": {Tok: resource("RemoteImage"),
				Fields: map[string]*tfbridge.SchemaInfo{"name": {Name: "name"}}},
			"docker_network": {Tok: resource("Network")},
			"docker_secret":  {Tok: resource("Secret")},
			"docker_service": {Tok: resource("Service")},
			"docker_volume":  {Tok: resource("Volume")},
		},
		IgnoreMappings: []string{
			"docker_buildx_builder",
			"docker_image",
			"docker_logs",
			"docker_network",
			"docker_plugin",
			"docker_registry_image",
			"docker_registry_image_manifests",
			"docker_tag",
		},
	}
	info.SetAutonaming(255, "-")
	return info
}

// resource is the token of a type of the public SDK: "docker:index/remoteImage:RemoteImage".
func resource(name string) tokens.Type {
	return tokens.Type("docker:index/" + strings.ToLower(name[:1]) + name[1:] + ":" + name)
}
