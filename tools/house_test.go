package tools_test

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// maxLines is how many lines a package may have without its tests. A larger one has more than one subject.
const maxLines = 2000

// mayImport says which rooms of the house a room may import, beside itself and internal. docs/architecture.md
// tells why.
var mayImport = map[string][]string{
	"topology": nil,
	"clients":  nil,
	"internal": {"topology"},
	// Tests of several rooms use it, and nothing else.
	"internal/livetest": {"topology", "operate", "verify"},
	"agent/plan":        {"topology"},
	"agent":             {"topology", "agent/plan"},
	"infra":             {"topology", "agent/plan", "agent"},
	"operate":           {"topology", "agent/plan", "clients"},
	"verify":            {"topology", "agent/plan", "clients", "operate"},
	"bench":             {"topology", "agent/plan", "clients", "operate", "verify"},
	"cmd":               {"topology", "agent/plan", "clients", "operate", "verify", "bench"},
	"tools":             {"topology", "operate"},
}

// sourcePackage is what counts of a package, without its tests.
type sourcePackage struct {
	// path is relative to the module.
	path  string
	lines int
	// imports are the packages of this module that it imports.
	imports []string
}

func TestTheHouseIsInOrder(t *testing.T) {
	packages := readPackages(t, "..")
	require.Greater(t, len(packages), 50)
	assert.Empty(t, disorder(packages))
}

func TestDisorderIsFound(t *testing.T) {
	assert.Equal(t, []string{
		"agent/plan imports agent/act: agent/plan may import only topology",
		"attic is in no room: add it to mayImport",
		"clients imports internal/wait: clients may import nothing of this module",
		"infra/component imports operate/health: infra may import only topology, agent/plan, agent",
		"topology has 2001 lines: split it, so that none has more than 2000",
	}, disorder([]sourcePackage{
		{path: "topology", lines: 2001, imports: []string{"topology/placement", "internal/suggest"}},
		{path: "topology/placement", lines: 2000},
		{path: "agent/plan", imports: []string{"agent/act", "topology"}},
		{path: "infra/component", imports: []string{"operate/health", "agent/plan/state"}},
		{path: "clients", imports: []string{"internal/wait", "clients/internal/flight"}},
		{path: "attic"},
	}))
}

// disorder says which packages are too large, and which import what they may not.
func disorder(packages []sourcePackage) []string {
	var wrong []string
	for _, p := range packages {
		room := roomOf(p.path)
		allowed, known := mayImport[room]
		if !known {
			wrong = append(wrong, p.path+" is in no room: add it to mayImport")
		}
		if p.lines > maxLines {
			wrong = append(wrong, fmt.Sprintf("%s has %d lines: split it, so that none has more than %d",
				p.path, p.lines, maxLines))
		}
		only := "only " + strings.Join(allowed, ", ")
		if len(allowed) == 0 {
			only = "nothing of this module"
		}
		for _, imported := range p.imports {
			other := roomOf(imported)
			shared := other == "internal" && room != "clients" // which is a library by itself
			if other != room && !shared && !slices.Contains(allowed, other) {
				wrong = append(wrong, fmt.Sprintf("%s imports %s: %s may import %s", p.path, imported, room, only))
			}
		}
	}
	slices.Sort(wrong)
	return wrong
}

// roomOf is the room that a package is in.
func roomOf(path string) string {
	for _, room := range []string{"agent/plan", "internal/livetest"} {
		if path == room || strings.HasPrefix(path, room+"/") {
			return room
		}
	}
	room, _, _ := strings.Cut(path, "/")
	return room
}

// readPackages reads the packages of the module in a folder.
func readPackages(t *testing.T, root string) []sourcePackage {
	t.Helper()
	packages := map[string]*sourcePackage{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path != root && skipped(path, entry.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		name, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		p, found := packages[name]
		if !found {
			p = &sourcePackage{path: filepath.ToSlash(name)}
			packages[name] = p
		}
		return p.read(path)
	}))
	var read []sourcePackage
	for _, name := range slices.Sorted(maps.Keys(packages)) {
		read = append(read, *packages[name])
	}
	return read
}

// skipped tells whether a folder has no package of this module: it is hidden, has test data, or is a module
// by itself.
func skipped(path, name string) bool {
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil || strings.HasPrefix(name, ".") || name == "testdata"
}

// read adds a file to the package.
func (p *sourcePackage) read(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ImportsOnly)
	if err != nil {
		return err
	}
	p.lines += bytes.Count(text, []byte("\n"))
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if inside, ours := strings.CutPrefix(imported, "warren/"); ours && !slices.Contains(p.imports, inside) {
			p.imports = append(p.imports, inside)
		}
	}
	return nil
}
