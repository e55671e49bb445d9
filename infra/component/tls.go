package component

import (
	"fmt"
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/topology"
	"warren/topology/certificate"
)

// TLSArgs are the certificates of a cluster whose topology has TLS. The components mark the keys as secret,
// whatever they are given.
type TLSArgs struct {
	// Authority is the certificate of the authority, in PEM, by which clients recognise the cluster.
	Authority pulumi.StringInput
	// Certificates are those of nodes, load balancer and monitoring by host name, in PEM: the key, the
	// certificate, and those between it and the authority's.
	Certificates map[string]pulumi.StringInput
}

// Names of what an authority is kept as.
const (
	keptAuthorityKey         = "key"
	keptAuthorityCertificate = "certificate"
)

// KeepTLS declares that the stack's state keeps a certificate authority, and returns the certificates that it
// issues for a cluster at a time. The resource is named after name.
func KeepTLS(
	ctx *pulumi.Context, name func(part string) string, cluster *topology.Cluster, now time.Time,
	opts ...pulumi.ResourceOption,
) (*TLSArgs, error) {
	first, err := certificate.NewAuthority(cluster.Stack, now)
	if err != nil {
		return nil, err
	}
	kept, err := keepAuthority(ctx, name, first, opts...)
	if err != nil {
		return nil, err
	}
	return issueTLS(cluster, kept, now), nil
}

// keepAuthority declares what keeps the authority. What it is first is of interest to the first deployment
// only.
func keepAuthority(
	ctx *pulumi.Context, name func(part string) string, first certificate.Pair, opts ...pulumi.ResourceOption,
) (pulumi.StringMapOutput, error) {
	stash, err := pulumi.NewStash(ctx, name("ca"), &pulumi.StashArgs{Input: pulumi.ToSecret(pulumi.StringMap{
		keptAuthorityKey:         pulumi.String(first.Key),
		keptAuthorityCertificate: pulumi.String(first.Chain),
	}).(pulumi.Input)}, append(opts, pulumi.IgnoreChanges([]string{"input"}))...)
	if err != nil {
		return pulumi.StringMapOutput{}, err
	}
	return pulumi.ToSecret(stash.Output.ApplyT(func(value any) (map[string]string, error) {
		values, _ := value.(map[string]any)
		kept := map[string]string{}
		for _, key := range []string{keptAuthorityKey, keptAuthorityCertificate} {
			text, ok := values[key].(string)
			if !ok {
				return nil, fmt.Errorf("the stack's state keeps no %s of a certificate authority", key)
			}
			kept[key] = text
		}
		return kept, nil
	})).(pulumi.StringMapOutput), nil
}

// issueTLS returns the certificates that a kept authority issues for a cluster.
func issueTLS(cluster *topology.Cluster, kept pulumi.StringMapOutput, now time.Time) *TLSArgs {
	args := &TLSArgs{
		Authority:    pulumi.Unsecret(kept.MapIndex(pulumi.String(keptAuthorityCertificate))).(pulumi.StringOutput),
		Certificates: map[string]pulumi.StringInput{},
	}
	for _, host := range tlsHosts(cluster) {
		args.Certificates[host] = pulumi.ToSecret(kept.ApplyT(func(values map[string]string) (string, error) {
			authority, err := certificate.ReadAuthority(certificate.Pair{
				Chain: values[keptAuthorityCertificate], Key: values[keptAuthorityKey],
			})
			if err != nil {
				return "", err
			}
			pair, err := authority.Issue(certificate.Subject{Name: host, Names: cluster.CertificateNames(host)},
				cluster.TLSRenew, now)
			return pair.PEM(), err
		})).(pulumi.StringOutput)
	}
	return args
}

// OwnTLS returns an operator's own certificate, which all nodes and load balancers have.
func OwnTLS(cluster *topology.Cluster, own certificate.Own) *TLSArgs {
	args := &TLSArgs{Authority: pulumi.String(own.Authority), Certificates: map[string]pulumi.StringInput{}}
	for _, host := range tlsHosts(cluster) {
		args.Certificates[host] = pulumi.String(own.Pair().PEM())
	}
	return args
}

// tlsHosts are the host names of those that have a certificate.
func tlsHosts(cluster *topology.Cluster) []string {
	hosts := []string{topology.LoadBalancerHost}
	if cluster.Monitoring != nil {
		hosts = append(hosts, topology.PrometheusHost, topology.AlertmanagerHost,
			topology.GrafanaHost)
	}
	for _, n := range cluster.Nodes {
		hosts = append(hosts, n.Name)
	}
	return hosts
}

// certificateOf is the certificate of a host name with its key; it is empty without TLS.
func (a *TLSArgs) certificateOf(host string) pulumi.StringOutput {
	return pulumi.ToSecret(a.Certificates[host].ToStringOutput()).(pulumi.StringOutput)
}

// newTLSVolume declares the volume over which a node gets its certificate from its membership. The
// membership's container can be replaced while the node runs. It is labelled as the membership's, since only
// a volume of data makes a node.
func newTLSVolume(
	ctx *pulumi.Context, name string, args *NodeArgs, opts ...pulumi.ResourceOption,
) (*docker.Volume, error) {
	if !args.Topology.HasTLS() {
		return nil, nil
	}
	return newVolume(ctx, name, args.Topology.TLSVolumeName(args.Node), args.Node.Host, args.Topology.Stack,
		args.Owner, args.Found, topology.RoleMembership, nil, opts...)
}

// tlsMount mounts that volume.
func tlsMount(volume *docker.Volume) docker.ContainerVolumeArray {
	if volume == nil {
		return nil
	}
	return docker.ContainerVolumeArray{docker.ContainerVolumeArgs{
		VolumeName:    volume.Name,
		ContainerPath: pulumi.String(topology.TLSPath),
	}}
}

// tlsFiles are the files that a membership hands over to its node.
func (a *TLSArgs) tlsFiles(host string) docker.ContainerUploadArray {
	return docker.ContainerUploadArray{
		docker.ContainerUploadArgs{
			File:        pulumi.String(topology.UploadedAuthorityPath),
			Permissions: pulumi.String("0444"),
			Content:     a.Authority.ToStringOutput().ToStringPtrOutput(),
		},
		secretFile(topology.UploadedCertificatePath, a.certificateOf(host)),
	}
}
