// Package issue has the certificate authority that a stack's state keeps, and the certificates that it issues
// for a cluster.
package issue

import (
	"fmt"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/topology"
	"warren/topology/certificate"
)

// Names of what an authority is kept as.
const (
	keptKey         = "key"
	keptCertificate = "certificate"
)

// Authority is a certificate authority that the state keeps.
type Authority struct{ kept pulumi.StringMapOutput }

// Keep declares that the stack's state keeps an authority. The one that is drawn here is of interest to the
// first deployment only.
func Keep(
	ctx *pulumi.Context, name string, cluster *topology.Cluster, now time.Time, opts ...pulumi.ResourceOption,
) (Authority, error) {
	first, err := certificate.NewAuthority(cluster.Stack, now)
	if err != nil {
		return Authority{}, err
	}
	stash, err := pulumi.NewStash(ctx, name, &pulumi.StashArgs{Input: pulumi.ToSecret(pulumi.StringMap{
		keptKey:         pulumi.String(first.Key),
		keptCertificate: pulumi.String(first.Chain),
	}).(pulumi.Input)}, append(opts, pulumi.IgnoreChanges([]string{"input"}))...)
	if err != nil {
		return Authority{}, err
	}
	return Authority{pulumi.ToSecret(stash.Output.ApplyT(func(value any) (map[string]string, error) {
		values, _ := value.(map[string]any)
		kept := map[string]string{}
		for _, key := range []string{keptKey, keptCertificate} {
			text, ok := values[key].(string)
			if !ok {
				return nil, fmt.Errorf("the stack's state keeps no %s of a certificate authority", key)
			}
			kept[key] = text
		}
		return kept, nil
	})).(pulumi.StringMapOutput)}, nil
}

// Certificate is the authority's own certificate, which is no secret.
func (a Authority) Certificate() pulumi.StringOutput {
	return pulumi.Unsecret(a.kept.MapIndex(pulumi.String(keptCertificate))).(pulumi.StringOutput)
}

// ForClients are the certificates by which clients recognise those who have one, by host name.
func (a Authority) ForClients(cluster *topology.Cluster, now time.Time) map[string]pulumi.StringInput {
	issued := map[string]pulumi.StringInput{}
	for _, host := range Hosts(cluster) {
		issued[host] = a.issue(cluster, now, certificate.Subject{Name: host, Names: cluster.CertificateNames(host)})
	}
	return issued
}

// ForPeers are the certificates by which nodes and those who talk to them as nodes do recognise each other,
// by host name; none if nodes talk to each other in plain text.
func (a Authority) ForPeers(cluster *topology.Cluster, now time.Time) map[string]pulumi.StringInput {
	issued := map[string]pulumi.StringInput{}
	if !cluster.TLSInterNode {
		return issued
	}
	hosts := []string{topology.FormationHost}
	for _, n := range cluster.Nodes {
		hosts = append(hosts, n.Name)
	}
	for _, host := range hosts {
		issued[host] = a.issue(cluster, now, certificate.Subject{Name: host, Names: []string{host}, Peer: true})
	}
	return issued
}

// issue is the certificate of a subject with its key, which makes it a secret.
func (a Authority) issue(
	cluster *topology.Cluster, now time.Time, subject certificate.Subject,
) pulumi.StringInput {
	return pulumi.ToSecret(a.kept.ApplyT(func(values map[string]string) (string, error) {
		authority, err := certificate.ReadAuthority(certificate.Pair{
			Chain: values[keptCertificate], Key: values[keptKey],
		})
		if err != nil {
			return "", err
		}
		pair, err := authority.Issue(subject, cluster.TLSRenew, now)
		return pair.PEM(), err
	})).(pulumi.StringOutput)
}

// Hosts are the host names of those that clients recognise by a certificate.
func Hosts(cluster *topology.Cluster) []string {
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
