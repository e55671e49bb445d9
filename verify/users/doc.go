// Package users has the tests of those who log in: that an application's password changes while its messages
// flow, that a user goes, and that no secret shows where it should not.
package users
