package monitoring

import (
	"fmt"

	"warren/topology/certificate"
	"warren/topology/meaning"
)

// certificateLeft is for how many seconds a certificate is still valid.
const certificateLeft = `warren_certificate_ends_seconds{job="warren"} - time()`

func certificateRules(s Stack) []Rule {
	return []Rule{
		{
			Name:     "CertificateEnded",
			Expr:     certificateLeft + ` < 0`,
			For:      soon,
			Severity: Critical,
			Summary:  "The certificate of {{ $labels.host }} has ended.",
			Means:    meaning.CertificateFails,
			Fix:      []string{s.doctor(), "pulumi up --stack " + s.Name},
		},
		{
			Name: "CertificateEnds",
			Expr: fmt.Sprintf(`0 < (%s < %d)`, certificateLeft, int(certificate.ExpiresSoon.Seconds())),
			For:  soon, Severity: Warning,
			Summary: "The certificate of {{ $labels.host }} ends in {{ $value | humanizeDuration }}.",
			Means:   meaning.CertificateFails,
			Fix:     []string{s.doctor(), "pulumi up --stack " + s.Name},
		},
	}
}
