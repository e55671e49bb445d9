// Package application declares applications in a running cluster: it looks what is there, compares it with
// the application's files, and changes what is otherwise. What to do is decided in topology/application.
package application
