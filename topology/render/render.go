package render

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
	"text/template"
)

//go:embed templates
var templateFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"inc":   func(i int) int { return i + 1 },
	"quote": haproxyQuote,
	"float": erlangFloat,
}).Option("missingkey=error").ParseFS(templateFiles, "templates/*.tmpl"))

// render executes a template with data. It fails only if a template does not fit its data, which the tests of
// every file rule out.
func render(name string, data any) string {
	var b strings.Builder
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		panic(fmt.Sprintf("topology: rendering %s: %v", name, err))
	}
	return b.String()
}

// erlangFloat writes a number as Erlang reads a float: with digits on both sides of the point and no
// exponent. RabbitMQ refuses to start with 1 or 1e-05 in place of a float.
func erlangFloat(f float64) string {
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}
