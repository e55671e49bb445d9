package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"warren/infra/component"
	"warren/topology"
	"warren/topology/certificate"
	"warren/topology/stackconfig"
)

// ownCertificate returns the operator's own certificate, if one is configured. The error lists every mistake
// in it. The cluster is nil if its own configuration has mistakes.
func (s settings) ownCertificate(cluster *topology.Cluster, now time.Time) (certificate.Own, error) {
	own := certificate.Own{
		Certificate: s.values[namespace+certificate.CertificateKey],
		Key:         s.values[namespace+certificate.KeyKey],
		Authority:   s.values[namespace+certificate.AuthorityKey],
	}
	if !own.Given() {
		return own, nil
	}
	var problems []stackconfig.Problem
	if own.Key != "" && !slices.Contains(s.encrypted, namespace+certificate.KeyKey) {
		problems = append(problems, stackconfig.Problem{
			Key: certificate.KeyKey, Wrong: "is stored in plain text",
			Remedy: "have another certificate issued, and set its key with `pulumi config set --secret " +
				"warren:tlsKey <key.pem`",
		})
	}
	var names []string
	if cluster != nil {
		names = cluster.ServerNames()
		if !cluster.HasTLS() {
			problems = append(problems, stackconfig.Problem{
				Key: certificate.CertificateKey, Wrong: "is set, and warren:tls is off",
				Remedy: "set warren:tls to optional or required, or remove the certificate",
			})
		}
	}
	for _, m := range own.Check(names, now) {
		problems = append(problems, stackconfig.Problem{Key: m.Part, Wrong: m.Wrong, Remedy: m.Remedy})
	}
	if len(problems) > 0 {
		return own, &stackconfig.ValidationError{Problems: problems}
	}
	return own, nil
}

// plain names the part of a stack that has one cluster.
func plain(part string) string { return part }

// certificates returns the certificates of a cluster and the one of their authority; nothing without TLS. The
// authority is the operator's, or one that the stack's state keeps.
func certificates(
	ctx *pulumi.Context, cluster *topology.Cluster, own certificate.Own, now time.Time,
) (args *component.TLSArgs, authority string, err error) {
	if !cluster.HasTLS() {
		return nil, "", nil
	}
	if own.Given() {
		if ends, err := own.Ends(); err == nil && ends.Sub(now) < certificate.ExpiresSoon {
			warning := fmt.Sprintf("warren:%s ends on %s: have it renewed", certificate.CertificateKey,
				ends.Format(time.DateOnly))
			if err := ctx.Log.Warn(warning, nil); err != nil {
				return nil, "", err
			}
		}
		args = component.OwnTLS(cluster, own)
		if !cluster.TLSInterNode {
			return args, own.Authority, nil
		}
		// Nodes recognise each other by the stack's own authority, whatever clients do.
		kept, err := component.KeepTLS(ctx, plain, cluster, now)
		if err != nil {
			return nil, "", err
		}
		args.InterNode, args.InterNodeAuthority = kept.InterNode, kept.InterNodeAuthority
		return args, own.Authority, nil
	}
	args, err = component.KeepTLS(ctx, plain, cluster, now)
	if err != nil {
		return nil, "", err
	}
	err = await(ctx, args.Authority.ToStringOutput(), &authority)
	return args, authority, err
}
