package component

import (
	"time"

	"github.com/pulumi/pulumi-docker/sdk/v4/go/docker"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/component/internal/issue"
	"warren/topology"
	"warren/topology/certificate"
	"warren/topology/render"
)

// TLSArgs are the certificates of a cluster whose topology has TLS. The components mark the keys as secret,
// whatever they are given.
type TLSArgs struct {
	// Authority is the certificate of the authority, in PEM, by which clients recognise the cluster.
	Authority pulumi.StringInput
	// Certificates are those of nodes, load balancer and monitoring by host name, in PEM: the key, the
	// certificate, and those between it and the authority's.
	Certificates map[string]pulumi.StringInput
	// InterNode are those by which nodes and command-line tools recognise each other, by host name: of the nodes
	// and of the formation. InterNodeAuthority is that of their authority. They are needed if the topology has
	// TLS between nodes.
	InterNode          map[string]pulumi.StringInput
	InterNodeAuthority pulumi.StringInput
}

// KeepTLS declares that the stack's state keeps a certificate authority, and returns the certificates that it
// issues for a cluster at a time. The resource is named after name.
func KeepTLS(
	ctx *pulumi.Context, name func(part string) string, cluster *topology.Cluster, now time.Time,
	opts ...pulumi.ResourceOption,
) (*TLSArgs, error) {
	kept, err := issue.Keep(ctx, name("ca"), cluster, now, opts...)
	if err != nil {
		return nil, err
	}
	return &TLSArgs{
		Authority: kept.Certificate(), Certificates: kept.ForClients(cluster, now),
		InterNodeAuthority: kept.Certificate(), InterNode: kept.ForPeers(cluster, now),
	}, nil
}

// OwnTLS returns an operator's own certificate, which all nodes and load balancers have.
func OwnTLS(cluster *topology.Cluster, own certificate.Own) *TLSArgs {
	args := &TLSArgs{Authority: pulumi.String(own.Authority), Certificates: map[string]pulumi.StringInput{}}
	for _, host := range issue.Hosts(cluster) {
		args.Certificates[host] = pulumi.String(own.Pair().PEM())
	}
	return args
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

// tlsFiles are the files that a membership of a cluster hands over to its node.
func (a *TLSArgs) tlsFiles(cluster *topology.Cluster, host string) docker.ContainerUploadArray {
	files := append(docker.ContainerUploadArray{
		publicFile(topology.UploadedAuthorityPath, a.Authority),
		secretFile(topology.UploadedCertificatePath, a.certificateOf(host)),
	}, a.interNodeFiles(host)...)
	if cluster.TLSClientAuthority != "" {
		files = append(files, file(topology.UploadedClientAuthorityPath, cluster.TLSClientAuthority))
	}
	return files
}

// interNodeFiles are the files with which those at a host name talk to nodes as nodes do; none if nodes do so
// in plain text.
func (a *TLSArgs) interNodeFiles(host string) docker.ContainerUploadArray {
	if a == nil || a.InterNode[host] == nil {
		return nil
	}
	return docker.ContainerUploadArray{
		publicFile(topology.UploadedInterNodeAuthorityPath, a.InterNodeAuthority),
		secretFile(topology.UploadedInterNodePath,
			pulumi.ToSecret(a.InterNode[host].ToStringOutput()).(pulumi.StringOutput)),
	}
}

// publicFile is a file that everybody can read, whose content is known later.
func publicFile(path string, content pulumi.StringInput) docker.ContainerUploadArgs {
	return docker.ContainerUploadArgs{
		File:        pulumi.String(path),
		Permissions: pulumi.String("0444"),
		Content:     content.ToStringOutput().ToStringPtrOutput(),
	}
}

// interNodeOptions is the file that tells nodes and command-line tools how to talk to each other; none if
// they do so in plain text.
func interNodeOptions(cluster *topology.Cluster) docker.ContainerUploadArray {
	if !cluster.TLSInterNode {
		return nil
	}
	return docker.ContainerUploadArray{file(topology.InterNodeOptionsPath, render.InterNodeOptions())}
}
