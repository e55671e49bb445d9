package appfile

import (
	"errors"
	"regexp/syntax"
	"strings"

	"warren/topology/application"
)

// perlOnly are the groups that RabbitMQ's regular expressions (PCRE) know and Go's don't. For a check of the
// rest of an expression an ordinary group stands for each.
var perlOnly = strings.NewReplacer("(?!", "(?:", "(?=", "(?:", "(?<!", "(?:", "(?<=", "(?:", "(?>", "(?:",
	"(?|", "(?:")

// tellable are the mistakes that are mistakes in PCRE as well. What else Go does not understand may be right.
var tellable = map[syntax.ErrorCode]string{
	syntax.ErrMissingParen:          "a parenthesis is not closed",
	syntax.ErrUnexpectedParen:       "a parenthesis is closed that was not opened",
	syntax.ErrMissingBracket:        "a bracket is not closed",
	syntax.ErrInvalidCharRange:      "a range of characters runs backwards",
	syntax.ErrTrailingBackslash:     "it ends with a backslash",
	syntax.ErrMissingRepeatArgument: "there is nothing to repeat before *, + or ?",
	syntax.ErrInvalidRepeatSize:     "a number of repetitions is wrong",
}

// pattern reports a regular expression that RabbitMQ would refuse.
func (p *parser) pattern(at application.Position, where, key, expression string) {
	_, err := syntax.Parse(perlOnly.Replace(expression), syntax.Perl)
	var mistake *syntax.Error
	if !errors.As(err, &mistake) {
		return
	}
	if what, ours := tellable[mistake.Code]; ours {
		p.problems.add(at, where, "has the regular expression "+application.Canonical(expression)+" as "+
			application.Canonical(key), what)
	}
}
