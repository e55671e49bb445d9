package monitoring

import "warren/topology/meaning"

func resourceRules(s Stack) []Rule {
	return []Rule{
		{
			Name:     "MemoryAlarm",
			Expr:     `rabbitmq_alarms_memory_used_watermark{job="rabbitmq"} == 1`,
			For:      atOnce,
			Severity: Critical,
			Summary:  "Node {{ $labels.node }} uses more memory than it may.",
			Means:    meaning.MemoryAlarm,
			Fix: []string{s.doctor(),
				"docker exec {{ $labels.container }} rabbitmq-diagnostics memory_breakdown --unit mb"},
		},
		{
			Name:     "DiskAlarm",
			Expr:     `rabbitmq_alarms_free_disk_space_watermark{job="rabbitmq"} == 1`,
			For:      atOnce,
			Severity: Critical,
			Summary:  "Node {{ $labels.node }} has less disk free than it must.",
			Means:    meaning.DiskAlarm,
			Fix:      []string{s.doctor(), "docker system df"},
		},
		{
			// Half an hour of readings, so that the first minutes after a start foretell nothing.
			Name: "DiskFillsUp",
			Expr: `predict_linear(rabbitmq_disk_space_available_bytes{job="rabbitmq"}[1h], 24 * 3600)` +
				` < rabbitmq_disk_space_available_limit_bytes{job="rabbitmq"}` +
				` and count_over_time(rabbitmq_disk_space_available_bytes{job="rabbitmq"}[1h]) > 360`,
			For:      lasting,
			Severity: Warning,
			Summary:  "The disk of node {{ $labels.node }} will be full within 24 hours.",
			Means: "As it went in the last hour, the disk reaches the limit at which publishers are blocked " +
				"within a day.",
			Fix: []string{"docker system df", s.doctor()},
		},
	}
}
