// Package state has the values that the planner works with: the cluster as it was seen ([View]) and what is
// wished of it ([Desired]), and what it decides: actions with their conditions, refusals, and what is waited
// for. It says of each condition whether it holds ([Sight]).
package state
