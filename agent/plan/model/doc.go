// Package model runs a planner through schedules of operator wishes, faults and interruptions, on a cluster
// in memory (package world). After each step the rules are judged by what the cluster truly is, which the
// planner sees only in parts; at the end the cluster is as wished, or the refusal is right.
//
// Every call may fail, hang, or be cut off after it took effect.
package model
