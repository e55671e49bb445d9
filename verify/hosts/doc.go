// Package hosts tests stacks that are spread over several hosts. The hosts are those of a lab on this machine
// (internal/hostlab), which needs root.
package hosts
