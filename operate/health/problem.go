// Package health tells what state a cluster is in and what is wrong with that, and waits until nothing is.
package health

import (
	"fmt"
	"slices"

	"warren/agent/plan"
)

// Severity says how much a problem matters.
type Severity string

const (
	// Failure means that the cluster is not as it should be.
	Failure Severity = "failure"
	// Warning means that it works as it is and could do better.
	Warning Severity = "warning"
)

// Problem is something that is wrong with a cluster.
type Problem struct {
	Kind     Kind     `json:"kind"`
	Severity Severity `json:"severity"`
	// Subject is the node, queue ("vhost name" if the vhost is not "/") or container it is wrong with, for
	// people.
	Subject string `json:"subject"`
	// Queue is the queue that it is wrong with, if it is one. Two queues may have the same subject.
	Queue plan.QueueID `json:"queue,omitzero"`
	// Detail says what was seen.
	Detail string `json:"detail"`
}

// String is one line for people. It may hold what queues are called; see package terminal.
func (p Problem) String() string {
	if p.Subject == "" {
		return p.Detail
	}
	return p.Subject + ": " + p.Detail
}

// Healthy tells whether nothing is wrong that matters; warnings do not count.
func (s Status) Healthy() bool { return len(failures(s.Problems())) == 0 }

// Serves tells whether nothing is wrong that matters with the cluster itself. Its helpers do not count:
// what a fault has left of them comes back with the next deployment only.
func (s Status) Serves() bool { return len(withoutHelpers(failures(s.Problems()))) == 0 }

func failures(problems []Problem) []Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return p.Severity != Failure })
}

func withoutHelpers(problems []Problem) []Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return p.Kind.ofHelper() })
}

// Problems returns all that is wrong, nodes first.
func (s Status) Problems() []Problem {
	var problems problemList
	for _, node := range s.Nodes {
		s.checkNode(&problems, node)
	}
	s.checkMembers(&problems)
	s.checkAlike(&problems)
	s.checkQueues(&problems)
	for _, balancer := range s.balancers() {
		s.checkLoadBalancer(&problems, balancer)
	}
	s.checkConnections(&problems)
	s.checkCertificates(&problems)
	s.checkHelpers(&problems)
	return problems
}

type problemList []Problem

func (l *problemList) add(kind Kind, severity Severity, subject, format string, args ...any) {
	*l = append(*l, Problem{Kind: kind, Severity: severity, Subject: subject,
		Detail: fmt.Sprintf(format, args...)})
}
