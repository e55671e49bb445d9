package report

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/verify/alarm"
)

func TestReportsTellHowSoonAnAlertFired(t *testing.T) {
	run := sample()
	var without bytes.Buffer
	require.NoError(t, Print(&without, run))
	assert.NotContains(t, without.String(), "ALERT")

	run.Scenarios[0].Alerts = []alarm.Outcome{
		{Fault: "f", Alert: "NoMajority", After: 22 * time.Second, Fired: true, Within: time.Minute},
		{Fault: "f", Alert: "NodeDown", After: 40 * time.Second, Fired: true},
	}
	var with bytes.Buffer
	require.NoError(t, Print(&with, run))
	assert.Regexp(t, `RECOVERY +ALERT`, with.String())
	assert.Contains(t, with.String(), "NoMajority 22.0 s")
	page, err := html(run)
	require.NoError(t, err)
	assert.Contains(t, string(page), "<td>NoMajority 22.0 s</td>")

	run.Scenarios[0].Alerts[0].Fired = false
	assert.Equal(t, "NoMajority missing", run.Scenarios[0].Alarm())
}
