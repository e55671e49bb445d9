package topology

// The images that come with Warren.
const (
	// DefaultImage is the RabbitMQ image of a stack that names none.
	DefaultImage = "warren/rabbitmq:4.3"
	// DefaultHAProxyImage is the load balancer's.
	DefaultHAProxyImage = "warren/haproxy:3.2"
	// DefaultPrometheusImage and DefaultAlertmanagerImage are those that watch a stack.
	DefaultPrometheusImage   = "warren/prometheus:3.5"
	DefaultAlertmanagerImage = "warren/alertmanager:0.33"
	// KeepalivedImage has what gives a virtual address to one of several hosts.
	KeepalivedImage = "warren/keepalived:2.3"
	// NetworkToolsImage has what changes the network between containers, with which faults are injected.
	NetworkToolsImage = "warren/nettools:1"
	// DiskToolsImage has the lying disk, with which storage faults are injected.
	DiskToolsImage = "warren/disktools:1"
)

// Images are the references of the images that the stack's containers have.
func (c *Cluster) Images() []string {
	images := []string{c.Image, c.LoadBalancer.Image}
	if c.VirtualAddress != "" {
		images = append(images, KeepalivedImage)
	}
	if m := c.Monitoring; m != nil {
		images = append(images, m.PrometheusImage, m.AlertmanagerImage)
	}
	return images
}
