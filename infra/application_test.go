package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"warren/topology"
	"warren/topology/application"
	"warren/topology/application/appfile"
	"warren/topology/stackconfig"
)

// clusterOf is a cluster whose application is in files of those texts in a folder.
func clusterOf(t *testing.T, texts ...string) (string, *topology.Cluster) {
	t.Helper()
	folder := t.TempDir()
	files := stackconfig.FilesConfig{}
	for i, text := range texts {
		name := string(rune('a'+i)) + ".yaml"
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
		files = append(files, name)
	}
	cluster, err := stackconfig.New("dev", stackconfig.Config{Application: files})
	require.NoError(t, err)
	return folder, cluster
}

func TestOwnApplicationsHaveNoMistakes(t *testing.T) {
	for _, test := range []struct{ file, image string }{
		{"application/app.yaml", ""}, {"application/app.yaml", "warren/rabbitmq:3.10"},
		{"application/tutorial.yaml", "warren/rabbitmq:3.10"},
	} {
		cluster, err := stackconfig.New("dev",
			stackconfig.Config{Image: test.image, Application: stackconfig.FilesConfig{test.file}})
		require.NoError(t, err)
		app, err := readApplication("..", cluster)
		require.NoError(t, err, "%s on %s", test.file, test.image)
		// `warren produce` and `warren consume` work with it unless they are told otherwise.
		bound := map[string]any{"routing_key": topology.DefaultRoutingKey, "destination": topology.DefaultQueue}
		found := 0
		for _, binding := range app.Of(application.Binding) {
			if binding.Properties["source"] == topology.DefaultExchange {
				assert.Subset(t, binding.Properties, bound)
				found++
			}
		}
		assert.Equal(t, 1, found)
	}
}

func TestProjectsFolderIsFound(t *testing.T) {
	told, err := projectFolder("/somewhere")
	require.NoError(t, err)
	assert.Equal(t, "/somewhere", told)
	found, err := projectFolder("")
	require.NoError(t, err)
	assert.FileExists(t, filepath.Join(found, topology.DefaultApplicationFile))
	t.Chdir(t.TempDir())
	_, err = projectFolder("")
	assert.ErrorContains(t, err, "Pulumi.yaml")
}

func TestApplicationsFilesAreRead(t *testing.T) {
	folder, cluster := clusterOf(t, "users: [{name: orders}]",
		"permissions: [{user: orders, configure: a, write: a, read: a}]")
	app, err := readApplication(folder, cluster)
	require.NoError(t, err)
	assert.Len(t, app.Items, 2)

	cluster.Application = append(cluster.Application, "none.yaml")
	_, err = readApplication(folder, cluster)
	assert.ErrorContains(t, err, "warren:application names a file that can't be read")

	folder, cluster = clusterOf(t, "users: [{name: admin}]")
	_, err = readApplication(folder, cluster)
	var mistakes *appfile.Error
	assert.ErrorAs(t, err, &mistakes)

	folder, cluster = clusterOf(t)
	app, err = readApplication(folder, cluster)
	require.NoError(t, err)
	assert.Empty(t, app.Items)
}

func TestUsersHavePasswords(t *testing.T) {
	folder, cluster := clusterOf(t, `
vhosts: [{name: shop}]
users: [{name: orders}, {name: mail}, {name: hashed, password_hash: abc}]
permissions: [{user: orders, vhost: shop, configure: a, write: a, read: a}]`)
	app, err := readApplication(folder, cluster)
	require.NoError(t, err)
	secrets := topology.Secrets{ErlangCookie: "cookie"}
	s := settings{values: map[string]string{"warren:userPasswords": `{"mail":"p@ss"}`},
		encrypted: []string{"warren:userPasswords"}}
	users, first, err := s.users(cluster, secrets, app)
	require.NoError(t, err)
	require.Len(t, users, 2)
	assert.Equal(t, "mail", first, "whose password is configured")
	_, first, err = settings{}.users(cluster, secrets, app)
	require.NoError(t, err)
	assert.Empty(t, first)
	assert.Equal(t, "amqp://mail:p%40ss@127.0.0.1:5671/%2F", users["mail"].AMQPURL)
	assert.Len(t, users["orders"].Password, 32)
	assert.Equal(t, "amqp://orders:"+users["orders"].Password+"@127.0.0.1:5671/shop", users["orders"].AMQPURL)
	assert.Len(t, users["orders"].AMQPURLs, 3)
	assert.NotEqual(t, secrets.UserPassword("orders"), secrets.UserPassword("mail"))

	for name, test := range map[string]struct {
		text      string
		encrypted []string
		want      string
	}{
		"plain text": {`{"mail":"s3cret"}`, nil, "warren:userPasswords is stored in plain text"},
		"no map":     {`s3cret`, s.encrypted, "warren:userPasswords is no map"},
		"unknown user": {`{"mial":"s3cret"}`, s.encrypted,
			`warren:userPasswords.mial is of a user whose password the stack does not draw`},
		"hashed": {`{"hashed":"s3cret"}`, s.encrypted, `warren:userPasswords.hashed is of a user`},
		"empty":  {`{"mail":""}`, s.encrypted, "warren:userPasswords.mail is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := settings{values: map[string]string{"warren:userPasswords": test.text},
				encrypted: test.encrypted}.users(cluster, secrets, app)
			assert.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "s3cret")
		})
	}
}
