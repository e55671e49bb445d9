package render_test

import (
	"math"
	"testing"

	"warren/topology/render"

	"github.com/stretchr/testify/assert"
)

func TestErlangFloat(t *testing.T) {
	for f, want := range map[float64]string{
		1: "1.0", 0.1: "0.1", 1e-5: "0.00001", 1e21: "1000000000000000000000.0",
		math.Nextafter(1, 0): "0.9999999999999999",
	} {
		assert.Equal(t, want, render.ErlangFloat(f))
	}
}
