package tools_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestModulesShareTheVersionsOfWhatTheyCompile keeps a cold `make up` from compiling Pulumi's SDK, and what
// that imports, once for each module: Go's cache shares a compiled package only between builds in which all
// that it imports has the same version. Not compared is tools/golangci-lint, which has little in common
// with the others.
func TestModulesShareTheVersionsOfWhatTheyCompile(t *testing.T) {
	const sdk, languageHost = "github.com/pulumi/pulumi/sdk/v3", "language-go/go.mod"
	files := []string{"../go.mod", "pulumi/go.mod", "docker-provider/go.mod", languageHost}
	examples, err := filepath.Glob("../examples/*/go.mod")
	require.NoError(t, err)
	required := map[string]map[string]string{}
	for _, file := range append(files, examples...) {
		required[file] = requirements(t, file)
		assert.NotEmpty(t, required[file], file)
	}
	delete(required[languageHost], sdk) // newer ones do not contain the language host
	assert.Empty(t, differences(required), "change the older ones with `go get MODULE@VERSION` in their folders")
}

func TestDifferencesOfVersionsAreFound(t *testing.T) {
	assert.Equal(t, []string{"sdk: v1 in a, v2 in b"}, differences(map[string]map[string]string{
		"a": {"sdk": "v1", "grpc": "v3", "only/here": "v1"},
		"b": {"sdk": "v2", "grpc": "v3"},
		"c": {},
	}))
}

// requirements returns the version of each module that a go.mod requires, directly or not.
func requirements(t *testing.T, file string) map[string]string {
	t.Helper()
	text, err := exec.Command("go", "mod", "edit", "-json", file).Output()
	require.NoError(t, err)
	var content struct {
		Require []struct{ Path, Version string }
	}
	require.NoError(t, json.Unmarshal(text, &content))
	versions := map[string]string{}
	for _, module := range content.Require {
		versions[module.Path] = module.Version
	}
	return versions
}

// differences describes the modules of which two files require different versions.
func differences(required map[string]map[string]string) []string {
	var found []string
	files := slices.Sorted(maps.Keys(required))
	for i, file := range files {
		for module, version := range required[file] {
			for _, other := range files[i+1:] {
				if another, shared := required[other][module]; shared && another != version {
					found = append(found, fmt.Sprintf("%s: %s in %s, %s in %s", module, version, file, another, other))
				}
			}
		}
	}
	slices.Sort(found)
	return found
}
