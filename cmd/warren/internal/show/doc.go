// Package show writes what the command line found for people to read.
package show
