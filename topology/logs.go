package topology

// Logs says how containers log, and where to.
type Logs struct {
	// Format is that of nodes and agents.
	Format LogFormat
	// Driver is the engine's log driver for all containers, with its options.
	Driver  string
	Options map[string]string
}

// LogFormat is how lines of a log are written.
type LogFormat string

// The formats.
const (
	// LogText is for people.
	LogText LogFormat = "text"
	// LogJSON has one JSON object on each line.
	LogJSON LogFormat = "json"
)

// DefaultLogDriver keeps logs in files of the engine.
const DefaultLogDriver = "json-file"

// DefaultLogOptions bound a log of DefaultLogDriver, which otherwise grows without limit.
func DefaultLogOptions() map[string]string {
	return map[string]string{"max-size": "10m", "max-file": "3"}
}

// LogFormatVariable is the environment variable that tells an agent the format of its log.
const LogFormatVariable = "WARREN_LOG_FORMAT"
