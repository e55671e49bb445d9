package doctor

import (
	"warren/operate/health"
)

// explain says what a problem means and how to fix it.
type explain func(*consultation, health.Problem) (means string, fix []string)

// explanations are those of all kinds but MembershipDiffers, which becomes the diagnosis Inconsistent.
var explanations = map[health.Kind]explain{
	health.NodeMissing:       nodeMissing,
	health.NodeDown:          nodeDown,
	health.NodePaused:        nodePaused,
	health.NodeBooting:       nodeBooting,
	health.AppStopped:        appStopped,
	health.ManagementSilent:  managementSilent,
	health.ManagementRefuses: managementRefuses,
	health.AMQPSilent:        amqpSilent,
	health.NodeDrained:       nodeDrained,

	health.WrongType:           wrongType,
	health.NotInStack:          (*consultation).notInStack,
	health.Partition:           partition,
	health.MemoryAlarm:         memoryAlarm,
	health.DiskAlarm:           diskAlarm,
	health.CookieMismatch:      cookieMismatch,
	health.CookieUnreadable:    cookieUnreadable,
	health.VersionMismatch:     versionMismatch,
	health.SeriesDiffers:       seriesDiffers,
	health.FeatureFlagMismatch: featureFlagMismatch,

	health.QueuesUnknown:    queuesUnknown,
	health.QueueHalfDeleted: queueHalfDeleted,
	health.QueueNoLeader:    queueNoLeader,
	health.ReplicaOffline:   replicaOffline,
	health.ReplicaNotVoting: replicaNotVoting,
	health.ReplicaBehind:    replicaBehind,
	health.TooFewReplicas:   tooFewReplicas,
	health.QueueDown:        queueDown,
	health.NotReplicated:    notReplicated,
	health.LeadersNotSpread: leadersNotSpread,

	health.LoadBalancerDown: loadBalancerDown,
	health.ServerDown:       serverDown,
	health.ServerWronglyUp:  serverWronglyUp,
	health.ServerMissing:    serverMissing,
	health.NotSpread:        notSpread,

	health.CertificateRefused: certificateFails,
	health.CertificateEnds:    certificateFails,

	health.HelperMissing:     helperMissing,
	health.HelperDown:        helperDown,
	health.HelperUnhealthy:   helperUnhealthy,
	health.OutputsIncomplete: outputsIncomplete,
}

// unexplained is for a problem that nothing more is known of than what it says.
func unexplained(c *consultation, _ health.Problem) (string, []string) {
	return "See what was found.", []string{shell("warren", "status", "--stack", c.Stack)}
}
