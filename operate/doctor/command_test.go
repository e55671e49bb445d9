package doctor

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"warren/operate/cluster"
)

// stub makes a docker command that prints its arguments, and returns a function that runs command lines as
// they are pasted into a shell, all at once, and returns the arguments of each.
func stub(t *testing.T) (run func(lines []string) ([][]string, error)) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/bash\nprintf '%s\\0' $# \"$@\"\n"
	require.NoError(t, os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o700))
	work := t.TempDir() // where a command that slipped through would leave its traces
	return func(lines []string) ([][]string, error) {
		cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", strings.Join(lines, "\n"))
		cmd.Env, cmd.Dir = append(os.Environ(), "PATH="+dir), work
		output, err := cmd.CombinedOutput()
		if err != nil {
			return nil, fmt.Errorf("%w: %q", err, output)
		}
		if left, _ := os.ReadDir(work); len(left) > 0 {
			return nil, fmt.Errorf("they left %v", left)
		}
		words := strings.Split(strings.TrimSuffix(string(output), "\x00"), "\x00")
		var calls [][]string
		for len(words) > 0 {
			n, err := strconv.Atoi(words[0])
			if err != nil || n >= len(words) {
				return nil, fmt.Errorf("they printed %q", output)
			}
			calls, words = append(calls, words[1:n+1]), words[n+1:]
		}
		return calls, nil
	}
}

// hostile are names that a shell or a terminal would take for something else.
var hostile = []string{
	"$(touch pwned)", "`touch pwned`", "; touch pwned #", "a\nb", "it's", `say "hi"`, `back\slash\`,
	"\x1b[2J\x1b[31mred", "\u009b31m",
	"--if-empty", "-n", "--", "#comment", "~", "*", "{a,b}", "!!", "$HOME", " leading and trailing ", "",
	"Zürich 東京 🐇", "\u202e reversed",
	"\xff\xfe", strings.Repeat("x", 255), strings.Repeat("'", 255), "\t\r\n", "=x", "%2F",
}

// commandsAbout makes every problem there is of a queue of some name, and returns the commands that name it.
func commandsAbout(vhost, name string) []string {
	e := healthy()
	nodes := e.Status.Queues[0].Members
	half := cluster.Queue{VHost: vhost, Name: name, Type: cluster.Quorum, GroupSize: 3, Members: nodes}
	short := cluster.Queue{VHost: vhost + "2", Name: name, Type: cluster.Quorum, GroupSize: 3, Leader: nodes[0],
		Members: nodes[:2], Online: nodes[:1]}
	stream := short
	stream.Type, stream.VHost = cluster.Stream, vhost+"3"
	classic := cluster.Queue{VHost: vhost + "4", Name: name, Type: cluster.Classic, State: "running",
		Members: nodes[:1]}
	e.Status.Queues = []cluster.Queue{half, short, stream, classic}
	var commands []string
	for _, d := range Diagnose(e) {
		for _, line := range d.Fix {
			if strings.HasPrefix(line, "docker exec") && strings.Contains(line, " --vhost ") {
				commands = append(commands, line)
			}
		}
	}
	return commands
}

// checkCommands runs the commands about a queue.
func checkCommands(
	t interface{ Fatalf(string, ...any) }, run func([]string) ([][]string, error), vhost, name string,
) {
	lines := commandsAbout(vhost, name)
	for _, line := range lines {
		if strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q is not printable", line)
		}
	}
	calls, err := run(lines)
	if err != nil || len(calls) != len(lines) || len(lines) != 8 {
		t.Fatalf("%d calls of %d lines: %v: %q", len(calls), len(lines), err, lines)
	}
	for i, arguments := range calls {
		at := slices.Index(arguments, "--vhost")
		if at < 0 || !slices.Contains([]string{vhost, vhost + "2", vhost + "3", vhost + "4"}, arguments[at+1]) {
			t.Fatalf("%q: the virtual host %q arrives in %q", lines[i], vhost, arguments)
		}
		at += 2
		for at < len(arguments) && (arguments[at] == "--if-empty" || arguments[at] == "--if-unused") {
			at++
		}
		if at+1 >= len(arguments) || arguments[at] != "--" || arguments[at+1] != name {
			t.Fatalf("%q: the name %q arrives in %q", lines[i], name, arguments)
		}
	}
}

func TestHostileNamesArriveIntact(t *testing.T) {
	run := stub(t)
	for _, name := range hostile {
		checkCommands(t, run, "/", name)
		checkCommands(t, run, name, "queue")
	}
}

func TestAnyNameArrivesIntact(t *testing.T) {
	run := stub(t)
	names := rapid.OneOf(
		rapid.SampledFrom(hostile),
		rapid.StringMatching("[$`'\"\\\\;&|<>(){}*?!#~ a-z\n-]{1,40}"),
		rapid.StringN(1, 60, 255),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 1, 60), func(b []byte) string { return string(b) }),
	).Filter(func(name string) bool { return !strings.ContainsRune(name, 0) })
	rapid.Check(t, func(rt *rapid.T) {
		checkCommands(rt, run, names.Draw(rt, "vhost"), names.Draw(rt, "name"))
	})
}

func TestNameThatNoCommandLineCanHold(t *testing.T) {
	line := shell("docker", "exec", "a\x00b")
	assert.True(t, strings.HasPrefix(line, "#"), line)
	assert.NotContains(t, line, "\x00")
}
