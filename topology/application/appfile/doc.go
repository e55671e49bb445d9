// Package appfile reads and writes the files that say what an application needs of a cluster. It reports
// every mistake in all files at once, with the line and what to write instead.
package appfile
