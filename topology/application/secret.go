package application

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// placeholder is what stands for a password in an address: ${NAME}.
var placeholder = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// MissingError says that variables of the environment are not set that addresses in the files name.
type MissingError struct {
	// Names are sorted.
	Names []string
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("addresses in the application's files name variables that are not set: %s",
		strings.Join(e.Names, ", "))
}

// Fill returns the application with the passwords that its parameters' addresses leave to variables. The
// error is a *MissingError.
func (a *Application) Fill(lookup func(string) (string, bool)) (*Application, error) {
	var missing []string
	fill := func(s string) string {
		return placeholder.ReplaceAllStringFunc(s, func(match string) string {
			name := placeholder.FindStringSubmatch(match)[1]
			secret, set := lookup(name)
			if !set {
				missing = append(missing, name)
			}
			return strings.ReplaceAll(url.QueryEscape(secret), "+", "%20")
		})
	}
	filled := Application{Items: slices.Clone(a.Items)}
	for i, item := range filled.Items {
		if item.Kind != Parameter {
			continue
		}
		properties := map[string]any{}
		for key, v := range item.Properties {
			properties[key] = mapText(v, fill)
		}
		filled.Items[i].Properties = properties
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return nil, &MissingError{slices.Compact(missing)}
	}
	return &filled, nil
}

// mapText applies a function to all text in a value but keys.
func mapText(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case []any:
		result := make([]any, len(v))
		for i, element := range v {
			result[i] = mapText(element, f)
		}
		return result
	case map[string]any:
		result := map[string]any{}
		for key, inner := range v {
			result[key] = mapText(inner, f)
		}
		return result
	default:
		return v
	}
}

// stand stands for a placeholder, whose braces no address may have.
const stand = "placeholder"

// ParseAddress reads an address in which placeholders may stand for a password, and tells whether it has a
// password that is not left to the environment.
func ParseAddress(address string) (u *url.URL, hasPassword bool, err error) {
	u, err = url.Parse(placeholder.ReplaceAllString(address, stand))
	if err != nil {
		return nil, false, err
	}
	password, set := u.User.Password()
	return u, set && password != stand, nil
}

// HidePassword puts a placeholder for a variable in the place of the password in an address.
func HidePassword(address, variable string) string {
	u, hasPassword, err := ParseAddress(address)
	switch {
	case err != nil:
		return "" // whatever it is, it may have a password
	case !hasPassword:
		return address
	}
	u.User = url.UserPassword(u.User.Username(), stand)
	return strings.Replace(u.String(), ":"+stand+"@", ":${"+variable+"}@", 1)
}
