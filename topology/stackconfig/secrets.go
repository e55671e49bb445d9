package stackconfig

import (
	"fmt"

	"warren/topology"
)

// maxCookieLength is the longest cookie that an Erlang node takes.
const maxCookieLength = 255

// ValidateSecrets reports every secret that could not be used as it is. It names none.
func ValidateSecrets(s topology.Secrets) error {
	var problems problemList
	for _, secret := range []struct{ key, value string }{
		{"adminPassword", s.AdminPassword},
		{"statsPassword", s.StatsPassword},
		{"erlangCookie", s.ErlangCookie},
	} {
		switch {
		case secret.value == "":
			problems.add(secret.key, "is empty", "set it, or leave the key out to have one generated")
		case !printable(secret.value):
			problems.add(secret.key, "contains a control character", "use printable characters only")
		}
	}
	if len(s.ErlangCookie) > maxCookieLength {
		problems.add("erlangCookie", fmt.Sprintf("is %d bytes long", len(s.ErlangCookie)),
			fmt.Sprintf("use at most %d", maxCookieLength))
	}
	if !cookiePattern.MatchString(s.ErlangCookie) && s.ErlangCookie != "" {
		problems.add("erlangCookie",
			"contains a character that the shell or Erlang could take for something else",
			"use letters, digits, '-', '_' and '.' only")
	}
	return problems.err()
}
