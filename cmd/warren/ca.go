package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func newCA(opts *options) *cobra.Command {
	return &cobra.Command{
		Use:   "ca",
		Short: "Print the certificate of the authority by which clients recognise the stack",
		Long: "Print, in PEM, the certificate of the authority by which clients recognise the stack. It is no " +
			"secret.\nGive it to every client that connects over TLS.",
		Example: "  warren ca --stack staging >ca.pem",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			outputs, err := opts.read(cmd.Context())
			if err != nil {
				return err
			}
			if outputs.CACertificate == "" {
				return errors.New("the stack has no TLS: set warren:tls to optional or required, and run `pulumi up`")
			}
			out := cmd.OutOrStdout()
			if opts.json {
				return printJSON(out, map[string]string{"caCertificate": outputs.CACertificate})
			}
			_, err = fmt.Fprint(out, outputs.CACertificate)
			return err
		},
	}
}
