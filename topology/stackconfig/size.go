package stackconfig

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"warren/topology"
)

const (
	sizeRemedy = "write a number and a unit, such as 2GB or 512MiB"

	// leastDiskFreeLimit is the default for nodes with little memory, and for those without a memory limit.
	leastDiskFreeLimit = 2_000_000_000
	// diskPerMemory is how much free disk space a node wants for each byte of its memory limit, as RabbitMQ's
	// production checklist advises: it may have to write out all that it has in memory.
	diskPerMemory = 1.5
	// minDiskFreeLimit is RabbitMQ's own default. Less is a number whose unit was forgotten.
	minDiskFreeLimit = 50_000_000
)

// sizePattern takes a size apart into number and unit.
var sizePattern = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)([A-Za-z]*)$`)

// sizeUnits are the units in lower case. K, M, G and T alone are powers of 1000, as in RabbitMQ since 3.13
// and in Kubernetes. What is rendered is bytes, because older series take them for powers of 1024, and no
// series knows them all.
var sizeUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12,
	"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
	"ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40,
	"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40,
}

// parseSize reads a size such as "512MiB", "1.5GB" or "2T", in bytes.
func parseSize(s string) (int64, error) {
	invalid := fmt.Errorf("%q is not a size", s)
	parts := sizePattern.FindStringSubmatch(s)
	if parts == nil {
		return 0, invalid
	}
	unit, known := sizeUnits[strings.ToLower(parts[2])]
	number, err := strconv.ParseFloat(parts[1], 64)
	if bytes := number * unit; err == nil && known && bytes >= 1 && bytes < math.MaxInt64 {
		return int64(bytes), nil
	}
	return 0, invalid
}

// validateDisk reads the disk free limit, or derives it from the memory limit, which was read before.
func validateDisk(problems *problemList, limit string, c *topology.Cluster) {
	if limit == "" {
		c.DiskFreeLimit = max(leastDiskFreeLimit, int64(diskPerMemory*float64(c.MemoryLimit)))
		return
	}
	bytes, err := parseSize(limit)
	switch {
	case err != nil:
		problems.add("diskFreeLimit", "is "+quoted(limit), sizeRemedy)
	case bytes < minDiskFreeLimit:
		problems.add("diskFreeLimit", fmt.Sprintf("is %q, less than RabbitMQ's own limit of 50 MB", limit),
			sizeRemedy)
	default:
		c.DiskFreeLimit = bytes
	}
}
