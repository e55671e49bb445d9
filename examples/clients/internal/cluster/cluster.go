// Package cluster knows where the example programs find their cluster.
package cluster

import (
	"errors"
	"os"
	"strings"
)

// Endpoints returns the AMQP URIs in the environment variable AMQP_URLS, which are separated by commas.
func Endpoints() ([]string, error) {
	urls := os.Getenv("AMQP_URLS")
	if urls == "" {
		return nil, errors.New("set AMQP_URLS to the AMQP URIs of the cluster, separated by commas")
	}
	return strings.Split(urls, ","), nil
}
