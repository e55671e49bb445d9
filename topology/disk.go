package topology

// DiskFreeBytes is the disk free limit in bytes.
func (c *Cluster) DiskFreeBytes() int64 {
	n, err := parseSize(c.DiskFreeLimit)
	if err != nil {
		panic("topology: " + err.Error()) // New admits sizes only
	}
	return n
}
