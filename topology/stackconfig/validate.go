package stackconfig

import (
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/distribution/reference"

	"warren/internal/suggest"
	"warren/topology"
)

const (
	maxPort             = 65535
	maxHeartbeatSeconds = 65535 // an unsigned short in AMQP 0.9.1
	lowestSafeHeartbeat = 5
)

var (
	partitionStrategies = []topology.PartitionHandling{topology.PartitionIgnore, topology.PartitionPauseMinority,
		topology.PartitionAutoheal}
	detectionModes = []topology.FailureDetection{topology.DetectFast, topology.DetectRelaxed,
		topology.DetectStock}
	logLevels = []topology.LogLevel{
		topology.LogDebug, topology.LogInfo, topology.LogNotice, topology.LogWarning, topology.LogError,
		topology.LogCritical, topology.LogAlert, topology.LogEmergency, topology.LogNone,
	}

	// Docker's rule for names, with room for "warren-", the node's name and a suffix.
	stackPattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$`)
	usernamePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@-]*$`)
	cookiePattern   = regexp.MustCompile(`^[A-Za-z0-9_.-]+$`)
)

func validateStackName(problems *problemList, stack string) {
	if !stackPattern.MatchString(stack) {
		problems.add("stack", "has the name "+quoted(stack),
			"use letters, digits, '-', '_' and '.', beginning with a letter or digit, at most 100")
	}
}

// validateImages returns the series of the RabbitMQ image, or none when it can't be told.
func validateImages(problems *problemList, image, series, haproxyImage string) topology.Series {
	if _, err := reference.ParseNormalizedNamed(haproxyImage); err != nil {
		problems.add("haproxyImage",
			"is "+quoted(haproxyImage)+", which is no image reference ("+err.Error()+")",
			"write repository:tag, such as "+topology.DefaultHAProxyImage)
	}
	var ofTag topology.Series
	tagged := false
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		problems.add("image", "is "+quoted(image)+", which is no image reference ("+err.Error()+")",
			"write repository:tag, such as "+topology.DefaultImage)
	} else if t, ok := named.(reference.Tagged); ok {
		ofTag, tagged = topology.SeriesOfTag(t.Tag())
	}

	result := ofTag
	switch {
	case series != "":
		given, parseErr := topology.ParseSeries(series)
		if parseErr != nil {
			problems.add("series", "is "+quoted(series),
				"write a RabbitMQ series such as \""+topology.NewestSeries.String()+"\", with quotes")
			return topology.Series{}
		}
		if tagged && given != ofTag {
			problems.add("series", fmt.Sprintf("is %s, but the tag of %s says %s", given, image, ofTag),
				"leave one of them out or make them agree")
		}
		result = given
	case err == nil && !tagged:
		problems.add("image", "is "+quoted(image)+", whose tag does not tell the RabbitMQ series",
			"add the tag, or set warren:series to the series inside, such as \""+topology.NewestSeries.String()+"\"")
	}
	if result != (topology.Series{}) && result.Compare(topology.OldestSeries) < 0 {
		problems.add("series", fmt.Sprintf("is %s, which is not supported", result),
			fmt.Sprintf("use RabbitMQ %s or later", topology.OldestSeries))
	}
	return result
}

// validatePorts looks at all ports the stack publishes on the host.
func validatePorts(problems *problemList, c *topology.Cluster) {
	if c.HasHosts() {
		return // each has ports of its own: validateHosts looks at them
	}
	users := map[int][]string{}
	publish := func(port int, user string) {
		if port < 1 || port > maxPort {
			problems.add("ports", fmt.Sprintf("give %s port %d", user, port),
				fmt.Sprintf("use ports from 1 to %d", maxPort))
			return
		}
		users[port] = append(users[port], user)
	}
	for _, n := range c.Nodes {
		for _, p := range c.ClientPorts(n) {
			publish(p.Outside, p.Use+" of "+n.Name)
		}
	}
	for _, p := range c.LoadBalancerPorts() {
		publish(p.Outside, p.Use+" of the load balancer")
	}
	if c.Monitoring != nil {
		publish(c.Monitoring.PrometheusPort, "Prometheus")
		publish(c.Monitoring.AlertmanagerPort, "Alertmanager")
		if c.Monitoring.GrafanaImage != "" {
			publish(c.Monitoring.GrafanaPort, "Grafana")
		}
	}
	for _, port := range slices.Sorted(maps.Keys(users)) {
		if len(users[port]) > 1 {
			problems.add("ports",
				fmt.Sprintf("give port %d to %s", port, strings.Join(users[port], " and to ")),
				"move one of the base ports; node number i, from 0, gets base + i")
		}
	}
}

// validateChoice reports a value that is none of those there are.
func validateChoice[T ~string](problems *problemList, key string, value T, values []T) {
	if !slices.Contains(values, value) {
		problems.add(key, "is "+quoted(value), oneOf(values)+suggest.DidYouMean(value, values))
	}
}

func validateSettings(problems *problemList, c *topology.Cluster) {
	if c.PartitionHandling != "" {
		validateChoice(problems, "partitionHandling", c.PartitionHandling, partitionStrategies)
	}
	validateChoice(problems, "failureDetection", c.FailureDetection, detectionModes)
	validateChoice(problems, "logLevel", c.LogLevel, logLevels)
	validateLogs(problems, c.Logs)
	if addr, err := netip.ParseAddr(c.BindAddress); err != nil || addr.Zone() != "" {
		problems.add("bindAddress", "is "+quoted(c.BindAddress),
			"write an IP address of this host, such as "+defaultBindAddress+", or 0.0.0.0 for all")
	}
	if h := c.HeartbeatSeconds; h < 0 || h > maxHeartbeatSeconds {
		problems.add("heartbeatSeconds", fmt.Sprintf("is %d", h),
			fmt.Sprintf("write seconds from 1 to %d", maxHeartbeatSeconds))
	}
	switch {
	case !usernamePattern.MatchString(c.Username):
		problems.add("username", "is "+quoted(c.Username),
			"use letters, digits, '-', '_', '.' and '@', beginning with a letter or digit")
	case c.Username == "guest":
		problems.add("username", "is \"guest\", the user everybody tries first", "use another name")
	case c.Username == topology.AgentUsername, c.Username == topology.LoadBalancerUsername:
		problems.add("username", "is "+quoted(c.Username)+", a user of Warren's own containers",
			"use another name")
	}
}

// validateApplication looks at the names of the application's files. They are in the outputs, from which they
// are found in whatever folder the project is.
func validateApplication(problems *problemList, files []string) {
	for _, file := range files {
		if !filepath.IsLocal(file) {
			problems.add("application", "is "+quoted(file),
				"write the path of a file in the project's folder, such as "+
					topology.DefaultApplicationFile+", a list of such paths, or [] for none")
		}
	}
}

func printable(s string) bool { return !strings.ContainsFunc(s, unicode.IsControl) }
