package topology

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// sizeUnits are the units of rabbitmq.conf: the short and the binary ones are powers of 1024, those ending in B
// powers of 1000.
var sizeUnits = map[string]float64{
	"":  1,
	"k": 1 << 10, "kiB": 1 << 10, "M": 1 << 20, "MiB": 1 << 20, "G": 1 << 30, "GiB": 1 << 30, "T": 1 << 40, "TiB": 1 << 40,
	"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
}

// parseSize reads a size in the notation of rabbitmq.conf, such as "512MiB" or "2GB", in bytes.
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "kKMGTiB")
	unit, known := sizeUnits[s[len(digits):]]
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil || !known || !(n > 0) || n*unit >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	return int64(n * unit), nil
}
