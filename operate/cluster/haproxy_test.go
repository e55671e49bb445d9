package cluster

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// statistics are those of HAProxy 3.2, with most columns left out.
const statistics = `# pxname,svname,scur,stot,status,check_status,type,mode,last_chk,last_agt,
statistics,FRONTEND,1,7,OPEN,,0,http,,,
amqp,FRONTEND,4,9,OPEN,,0,tcp,,,
amqp,rabbit1,3,5,UP,L7OK,2,tcp,"Layer7 check passed: ""ok""",,
amqp,rabbit2,0,4,DOWN 1/2,L4CON,2,tcp,Connection refused,,
amqp,rabbit3,0,1,DOWN (agent),L7OK,2,tcp,,via agent : down (no majority),
amqp,rabbit1-minority,0,0,no check,,2,tcp,,,
amqp,BACKEND,3,9,UP,,1,tcp,,,
management,rabbit1,0,2,UP 1/2,* L7OK,2,http,,,
`

func TestServersAreReadFromStatistics(t *testing.T) {
	servers, err := parseServers(strings.NewReader(statistics))
	require.NoError(t, err)
	assert.Equal(t, []Server{
		{"amqp", "tcp", "rabbit1", "UP", "L7OK", "", 3, 5},
		{"amqp", "tcp", "rabbit2", "DOWN 1/2", "L4CON", "", 0, 4},
		{"amqp", "tcp", "rabbit3", "DOWN (agent)", "L7OK", "via agent : down (no majority)", 0, 1},
		{"amqp", "tcp", "rabbit1-minority", "no check", "", "", 0, 0},
		{"management", "http", "rabbit1", "UP 1/2", "* L7OK", "", 0, 2},
	}, servers)
	assert.True(t, servers[0].Up())
	assert.False(t, servers[1].Up())
	assert.False(t, servers[2].Up())
	assert.Equal(t, "L4CON", servers[1].Why())
	assert.Equal(t, "via agent : down (no majority)", servers[2].Why())
	assert.True(t, servers[4].Up(), "a server whose checks begin to fail still gets connections")
}

func TestStatisticsWithoutAColumnAreRefused(t *testing.T) {
	_, err := parseServers(strings.NewReader("# pxname,svname,type\n"))
	assert.ErrorContains(t, err, `no column "mode"`)
}

func TestStatisticsThatAreNotCSVAreRefused(t *testing.T) {
	_, err := parseServers(strings.NewReader("<html>401 Unauthorized</html>"))
	assert.Error(t, err)
	_, err = parseServers(strings.NewReader(strings.Replace(statistics, "rabbit1,3,", "rabbit1,three,", 1)))
	assert.ErrorContains(t, err, "sessions of amqp/rabbit1")
}
