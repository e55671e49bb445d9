package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"warren/internal/suggest"
	"warren/topology"
	"warren/topology/application"
	"warren/topology/application/appfile"
	"warren/topology/stackconfig"
)

const userPasswords = "userPasswords"

// projectFolder is the project's folder. Older language hosts don't tell it; then it is found from the
// working directory, which is the program's.
func projectFolder(told string) (string, error) {
	if told != "" {
		return told, nil
	}
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := here; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "Pulumi.yaml")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("there is no Pulumi.yaml in %s or above", here)
		}
	}
}

// readApplication reads the application's files in the project's folder. The error lists every mistake in
// them.
func readApplication(project string, cluster *topology.Cluster) (*application.Application, error) {
	var sources []appfile.Source
	for _, file := range cluster.Application {
		text, err := os.ReadFile(filepath.Join(project, file))
		if err != nil {
			return nil, &stackconfig.ValidationError{Problems: []stackconfig.Problem{{
				Key: "application", Wrong: "names a file that can't be read (" + err.Error() + ")",
				Remedy: "write the path of a file in the project's folder, or [] for none",
			}}}
		}
		sources = append(sources, appfile.Source{Name: file, Text: text})
	}
	return appfile.Parse(appfile.Target{
		Series: cluster.Series, Plugins: cluster.Plugins, Reserved: cluster.ManagedUsers(),
	}, sources...)
}

// users returns how the application's users log in whose passwords the stack has: those that are configured,
// and for the others derived ones. It also returns the first whose password is configured, as whom
// applications connect; it is empty if there is none.
func (s settings) users(
	cluster *topology.Cluster, secrets topology.Secrets, app *application.Application,
) (users map[string]topology.UserOutput, first string, err error) {
	drawn := app.DrawnUsers()
	configured, err := s.userPasswords(drawn)
	if err != nil {
		return nil, "", err
	}
	users = map[string]topology.UserOutput{}
	for _, name := range drawn {
		password, set := configured[name]
		if !set {
			password = secrets.UserPassword(name)
		} else if first == "" {
			first = name
		}
		users[name] = cluster.UserOutput(name, password, app.VHostOf(name))
	}
	return users, first, nil
}

// userPasswords reads the passwords that are configured for users. No error shows one.
func (s settings) userPasswords(users []string) (map[string]string, error) {
	text, set := s.values[namespace+userPasswords]
	if !set {
		return nil, nil
	}
	const how = "`pulumi config set --secret --path 'warren:userPasswords.NAME'`"
	var problems []stackconfig.Problem
	add := func(key, wrong, remedy string) {
		problems = append(problems, stackconfig.Problem{Key: key, Wrong: wrong, Remedy: remedy})
	}
	if !slices.Contains(s.encrypted, namespace+userPasswords) {
		add(userPasswords, "is stored in plain text", "set each with "+how)
	}
	var passwords map[string]string
	if err := json.Unmarshal([]byte(text), &passwords); err != nil {
		add(userPasswords, "is no map of users to passwords", "set each with "+how)
	}
	for _, name := range slices.Sorted(maps.Keys(passwords)) {
		switch key := fmt.Sprintf("%s.%s", userPasswords, name); {
		case !slices.Contains(users, name):
			add(key, "is of a user whose password the stack does not draw",
				"name it in the application's users, without a password_hash"+suggest.DidYouMean(name, users))
		case passwords[name] == "":
			add(key, "is empty", "set it, or remove it to have one drawn")
		}
	}
	if len(problems) > 0 {
		return nil, &stackconfig.ValidationError{Problems: problems}
	}
	return passwords, nil
}
