package component

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/component/internal/rights"
	"warren/topology"
	"warren/topology/monitoring"
)

// Monitoring is the Prometheus and the Alertmanager of a cluster. A change of what they read, of alerts or
// of the password replaces their containers and nothing else; their data are in volumes.
type Monitoring struct {
	pulumi.ResourceState

	// Prometheus, Alertmanager and Grafana are the containers. Grafana is nil unless the topology has an image.
	Prometheus   *docker.Container
	Alertmanager *docker.Container
	Grafana      *docker.Container
}

// Folders in which Prometheus and Alertmanager keep their data. They belong to nobody in the images.
const (
	prometheusData   = "/prometheus"
	alertmanagerData = "/alertmanager"
)

// Users that they run as in their official images: user and group.
const (
	nobody      = "65534:65534"
	grafanaUser = "472:0"
)

// grafanaData is where Grafana keeps what people have made of its dashboards.
const grafanaData = "/var/lib/grafana"

// newMonitoring declares what watches the cluster, after the formation: a stack that is not complete yet
// raises no alert, and neither does one that goes.
func newMonitoring(
	ctx *pulumi.Context, name func(part string) string, args *ClusterArgs, at *place,
	after pulumi.ResourceOption,
) (*Monitoring, error) {
	settings := args.Topology.Monitoring
	if args.Secrets == nil || args.Owner == nil || settings == nil {
		return nil, errors.New("monitoring needs settings, secrets and an owner")
	}
	m := &Monitoring{}
	if err := ctx.RegisterComponentResource(MonitoringType, name("monitoring"), m, at.component...); err != nil {
		return nil, err
	}
	stack := monitoring.Of(args.Topology.Outputs(topology.Secrets{}))
	// web are the files that both have for their pages.
	web := func(host string) docker.ContainerUploadArray {
		files := docker.ContainerUploadArray{
			monitoringFile(monitoring.WebPath, args.Secrets.render(func(s topology.Secrets) (string, error) {
				return monitoring.WebConf(stack, s), nil
			})),
		}
		if stack.PagesTLS {
			files = append(files, monitoringFile(monitoring.CertificatePath, args.TLS.certificateOf(host)))
		}
		return files
	}
	var err error
	m.Alertmanager, err = watcher{
		name: name, part: topology.AlertmanagerHost, role: topology.RoleAlertmanager,
		container: args.Topology.AlertmanagerContainerName(),
		image:     settings.AlertmanagerImage, memory: topology.AlertmanagerMemory, data: alertmanagerData,
		inside: topology.AlertmanagerWebPort, outside: settings.AlertmanagerPort,
		command: monitoring.AlertmanagerCommand(args.Topology, alertmanagerData),
		uploads: append(web(topology.AlertmanagerHost),
			file(monitoring.AlertmanagerPath, monitoring.AlertmanagerConf())),
	}.declare(ctx, args, at, pulumi.Parent(m), after)
	if err != nil {
		return nil, err
	}
	m.Prometheus, err = watcher{
		name: name, part: topology.PrometheusHost, role: topology.RolePrometheus,
		container: args.Topology.PrometheusContainerName(),
		image:     settings.PrometheusImage, memory: settings.MemoryLimit, data: prometheusData,
		inside: topology.PrometheusWebPort, outside: settings.PrometheusPort,
		command: monitoring.PrometheusCommand(args.Topology, prometheusData),
		uploads: append(append(web(topology.PrometheusHost),
			file(monitoring.PrometheusPath, monitoring.PrometheusConf(stack)),
			file(monitoring.RulesPath, monitoring.RuleFile(stack.Name, monitoring.Rules(stack))),
			passwordFile(args),
		), authorityFile(args)...),
	}.declare(ctx, args, at, pulumi.Parent(m), after)
	if err != nil {
		return nil, err
	}
	if settings.GrafanaImage != "" {
		m.Grafana, err = watcher{
			name: name, part: topology.GrafanaHost, role: topology.RoleGrafana,
			container: args.Topology.GrafanaContainerName(), user: grafanaUser,
			image: settings.GrafanaImage, memory: topology.GrafanaMemory, data: grafanaData,
			inside: topology.GrafanaWebPort, outside: settings.GrafanaPort,
			environment: monitoring.GrafanaEnvironment(args.Topology, stack),
			uploads:     grafanaUploads(args, stack),
		}.declare(ctx, args, at, pulumi.Parent(m), after)
		if err != nil {
			return nil, err
		}
	}
	return m, ctx.RegisterResourceOutputs(m, pulumi.Map{
		"prometheus": m.Prometheus.Name, "alertmanager": m.Alertmanager.Name,
	})
}

// grafanaUploads are the files of Grafana.
func grafanaUploads(args *ClusterArgs, stack monitoring.Stack) docker.ContainerUploadArray {
	uploads := append(docker.ContainerUploadArray{passwordFile(args)}, authorityFile(args)...)
	if stack.PagesTLS {
		uploads = append(uploads,
			monitoringFile(monitoring.CertificatePath, args.TLS.certificateOf(topology.GrafanaHost)))
	}
	files := monitoring.GrafanaFiles(stack)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		uploads = append(uploads, file(path, files[path]))
	}
	return uploads
}

// passwordFile is the password of all pages.
func passwordFile(args *ClusterArgs) docker.ContainerUploadArgs {
	return monitoringFile(monitoring.PasswordPath, args.Secrets.render(func(s topology.Secrets) (string, error) {
		return s.StatsPassword, nil
	}))
}

// authorityFile is the certificate by which Prometheus recognises what it reads, if the stack has TLS.
func authorityFile(args *ClusterArgs) docker.ContainerUploadArray {
	if !args.Topology.HasTLS() {
		return nil
	}
	return docker.ContainerUploadArray{docker.ContainerUploadArgs{
		File: pulumi.String(monitoring.AuthorityPath), Permissions: pulumi.String("0444"),
		Content: args.TLS.Authority.ToStringOutput().ToStringPtrOutput(),
	}}
}

// monitoringFile is a secret file for a container in which nothing runs but one user, who has to read it.
func monitoringFile(path string, content pulumi.StringOutput) docker.ContainerUploadArgs {
	f := secretFile(path, content)
	f.Permissions = pulumi.String("0444")
	return f
}

// watcher is what Prometheus, Alertmanager and Grafana differ in.
type watcher struct {
	name                         func(part string) string
	part, role, container, image string
	// user is who it runs as. Default nobody.
	user   string
	memory int64
	// data is the folder in which it keeps its data.
	data string
	// inside and outside are its port in the container and on the host.
	inside, outside int
	// command and environment may be empty, for those of the image.
	command, environment []string
	uploads              docker.ContainerUploadArray
}

// declare declares its image, its volume and its container.
func (w watcher) declare(
	ctx *pulumi.Context, args *ClusterArgs, at *place, inside, after pulumi.ResourceOption,
) (*docker.Container, error) {
	cluster := args.Topology
	image, err := newImage(ctx, w.name(w.part+"-image"), w.image, cluster.MonitoringHost(), args.Found, inside)
	if err != nil {
		return nil, err
	}
	volume, err := newVolume(ctx, w.name(w.part+topology.VolumeSuffix),
		topology.MonitoringVolumeName(w.container), cluster.MonitoringHost(), cluster.Stack, args.Owner,
		args.Found, w.role, nil, inside)
	if err != nil {
		return nil, err
	}
	return docker.NewContainer(ctx, w.name(w.part), &docker.ContainerArgs{
		Name:        pulumi.String(w.container),
		Image:       image,
		Hostname:    pulumi.String(w.part),
		User:        pulumi.String(cmp.Or(w.user, nobody)),
		Entrypoints: pulumi.ToStringArray(w.command[:min(1, len(w.command))]),
		Command:     pulumi.ToStringArray(w.command[min(1, len(w.command)):]),
		Envs:        environment(w.environment...),
		Uploads:     w.uploads,
		Volumes: docker.ContainerVolumeArray{docker.ContainerVolumeArgs{
			VolumeName: volume.Name, ContainerPath: pulumi.String(w.data),
		}},
		Ports: docker.ContainerPortArray{
			publish(cluster, cluster.MonitoringHost(), w.inside, w.outside),
		},
		NetworksAdvanced:    attach(at.network.Name, w.part),
		Healthcheck:         listening(w.inside),
		Wait:                pulumi.Bool(true),
		WaitTimeout:         seconds(2 * time.Minute),
		MustRun:             mayStop,
		Memory:              mebibytes(w.memory),
		MemorySwap:          mebibytes(w.memory),
		CpuShares:           helperShares,
		Restart:             pulumi.String("unless-stopped"),
		StopSignal:          pulumi.String("SIGTERM"),
		DestroyGraceSeconds: seconds(20 * time.Second),
		LogDriver:           pulumi.String(cluster.Logs.Driver),
		LogOpts:             pulumi.ToStringMap(cluster.Logs.Options),
		SecurityOpts:        noNewPrivileges,
		Capabilities:        rights.None(),
		Labels: containerLabels(cluster.Stack, args.Owner, w.role,
			topology.LabelGeneration, args.Found.Generation(cluster.MonitoringHost(), w.container)),
	}, inside, after, replaceInPlace)
}
