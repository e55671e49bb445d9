package report

import (
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

// The parts of a JUnit file that CI systems read.
type (
	junitSuite struct {
		XMLName  xml.Name    `xml:"testsuite"`
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"time,attr"` // seconds
		Started  string      `xml:"timestamp,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Suite   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure,omitempty"`
		Skipped *junitMessage `xml:"skipped,omitempty"`
		Output  string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// junit is the run as a JUnit file.
func junit(r Run) ([]byte, error) {
	suite := junitSuite{
		Name: "warren verify " + r.Stack, Tests: len(r.Scenarios), Failures: r.Count(Failed),
		Skipped: r.Count(Skipped),
		Time:    seconds(r.Took), Started: r.Started.UTC().Format("2006-01-02T15:04:05"),
	}
	for _, s := range r.Scenarios {
		c := junitCase{Suite: suite.Name, Name: s.Name, Time: seconds(s.Took)}
		switch s.Status() {
		case Skipped:
			c.Skipped = &junitMessage{Message: s.Skipped}
		case Failed:
			c.Failure = &junitMessage{Message: s.Failures()[0], Text: details(s)}
		}
		if s.Status() != Skipped {
			c.Output = fmt.Sprintf("attempted %d, confirmed %d, lost %d, unexpected %d, duplicated %d, recovered "+
				"%d; longest without a confirm %s",
				s.Verdict.Attempted, s.Verdict.Acknowledged, s.Verdict.Lost.Count, s.Verdict.Unexpected.Count,
				s.Verdict.Duplicated.Count, s.Verdict.Recovered.Count, Duration(
					s.Verdict.Overall.Confirms.Longest.Length()))
		}
		suite.Cases = append(suite.Cases, c)
	}
	body, err := xml.MarshalIndent(suite, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("junit: %w", err)
	}
	return append([]byte(xml.Header), append(body, '\n')...), nil
}

// details says why a scenario failed, one reason a line, with the messages that prove it.
func details(s Scenario) string {
	lines := s.Failures()
	for _, v := range s.Verdict.Violations {
		if len(v.Messages.IDs) > 0 {
			lines = append(lines, fmt.Sprintf("%s: %s", v.Kind, named(v.Messages.Count, v.Messages.IDs)))
		}
	}
	return strings.Join(lines, "\n")
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
