package packet

import (
	"context"
	"fmt"
	"strconv"
)

// countScript adds up the packets that matched the rules of the chain that contain $1.
const countScript = `
{ iptables -w 5 -vS ` + Chain + `; ip6tables -w 5 -vS ` + Chain + ` 2>/dev/null || true; } |
  awk -v want=" $1 " '/^-A/ && index($0 " ", want) { for (i = 1; i < NF; i++) if ($i == "-c") n += $(i + 1) } END { print n + 0 }'
`

// Count returns how many packets matched the filter's rules that have an option.
func (s *Sidecar) Count(ctx context.Context, option string) (int, error) {
	output, err := s.Run(ctx, countScript, option)
	if err != nil {
		return 0, fmt.Errorf("read packet counters: %w", err)
	}
	return strconv.Atoi(output)
}
