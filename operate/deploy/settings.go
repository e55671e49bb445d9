package deploy

import (
	"cmp"
	"encoding/json"
	"path/filepath"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"

	"warren/topology"
	"warren/topology/stackconfig"
)

// settings are what a stack's file says, by full key such as "warren:image", without what is encrypted.
type settings map[string]string

func settingsOf(root, stack string) (settings, error) {
	project, err := workspace.LoadProject(filepath.Join(root, "Pulumi.yaml"))
	if err != nil {
		return nil, err
	}
	file, err := workspace.LoadProjectStack(nil, project, filepath.Join(root, stackFile(stack)))
	if err != nil {
		return nil, err
	}
	values := settings{}
	for key, value := range file.Config {
		if value.Secure() {
			continue
		}
		if values[key.String()], err = value.Value(config.NopDecrypter); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// ownImages is the repository of the images that images/build makes.
const ownImages = "warren/"

// Images returns the images that a stack of the project in root needs and that images/build makes, by the
// names that it takes: "rabbitmq:4.3". Images of others are theirs to provide. Flags are those of `pulumi
// up`.
func Images(root, stack string, flags ...string) ([]string, error) {
	if err := requireFile(root, stack); err != nil {
		return nil, err
	}
	settings, err := settingsOf(root, stack)
	if err != nil {
		return nil, err
	}
	settings.override(flags)
	return settings.images(), nil
}

// override changes the settings as `pulumi up` does that is given flags such as --config key=value.
func (s settings) override(flags []string) {
	for i, flag := range flags {
		value, joined := strings.CutPrefix(flag, "--config=")
		if (flag == "--config" || flag == "-c") && i+1 < len(flags) {
			value, joined = flags[i+1], true
		}
		if key, text, isSetting := strings.Cut(value, "="); joined && isSetting {
			s[key] = text
		}
	}
}

func (s settings) images() []string {
	images := []string{
		cmp.Or(s["warren:image"], topology.DefaultImage),
		cmp.Or(s["warren:haproxyImage"], topology.DefaultHAProxyImage),
		topology.NetworkToolsImage,
		topology.DiskToolsImage,
	}
	if s["warren:virtualAddress"] != "" {
		images = append(images, topology.KeepalivedImage)
	}
	var monitoring stackconfig.MonitoringConfig // what is wrong with it is for the program to tell
	if json.Unmarshal([]byte(s["warren:monitoring"]), &monitoring) == nil && monitoring.Enabled &&
		monitoring.Remote == "" {
		images = append(images, cmp.Or(monitoring.PrometheusImage, topology.DefaultPrometheusImage),
			cmp.Or(monitoring.AlertmanagerImage, topology.DefaultAlertmanagerImage), monitoring.GrafanaImage)
	}
	var own []string
	for _, image := range images {
		if name, ok := strings.CutPrefix(image, ownImages); ok {
			own = append(own, name)
		}
	}
	return own
}
