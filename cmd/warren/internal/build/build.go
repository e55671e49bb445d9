// Package build says which build of the program runs.
package build

import "runtime/debug"

// Info is what the build recorded of itself.
type Info struct {
	// Revision is the commit, with ", modified" if the sources differed from it; "unknown" without a record.
	Revision string `json:"revision"`
	// Go is the version of Go that built the program.
	Go string `json:"go"`
}

// Read returns what is recorded in the running program.
func Read() Info {
	info, found := debug.ReadBuildInfo()
	if !found {
		return Info{Revision: "unknown", Go: "unknown"}
	}
	return of(info)
}

func of(info *debug.BuildInfo) Info {
	b := Info{Revision: info.Main.Version, Go: info.GoVersion}
	modified := false
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.Revision = setting.Value
		case "vcs.modified":
			modified = setting.Value == "true"
		}
	}
	if modified {
		b.Revision += ", modified"
	}
	return b
}
