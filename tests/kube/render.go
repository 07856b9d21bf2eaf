// render: a chart's templates as Helm renders them with its default values, for a machine without Helm:
// Go's text/template with the functions that our templates use.
//
//	render CHARTDIR NAMESPACE [VALUES...]
//
// Files of values are laid over the chart's own, key by key.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/template"

	"gopkg.in/yaml.v2"
)

type values map[interface{}]interface{}

func die(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

func load(file string) values {
	v := values{}
	text, err := os.ReadFile(file)
	die(err)
	die(yaml.UnmarshalStrict(text, &v))
	return v
}

func overlay(base, over values) {
	for k, v := range over {
		b, isMap := base[k].(values)
		o, isToo := v.(values)
		if isMap && isToo {
			overlay(b, o)
		} else {
			base[k] = v
		}
	}
}

func indent(n int, s string) string {
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(s, "\n", "\n"+pad)
}

func toYaml(v interface{}) (string, error) {
	text, err := yaml.Marshal(v)
	return strings.TrimSuffix(string(text), "\n"), err
}

// Sprig's default, quote.
func dflt(d, v interface{}) interface{} {
	if v == nil || v == "" {
		return d
	}
	return v
}

func quote(v interface{}) string { return fmt.Sprintf("%q", fmt.Sprint(v)) }

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: render CHARTDIR NAMESPACE [VALUES...]")
		os.Exit(2)
	}
	dir := os.Args[1]
	vals := load(filepath.Join(dir, "values.yaml"))
	for _, f := range os.Args[3:] {
		overlay(vals, load(f))
	}
	files, err := filepath.Glob(filepath.Join(dir, "templates", "*.yaml"))
	die(err)
	sort.Strings(files)
	data := map[string]interface{}{
		"Values":  vals,
		"Release": map[string]string{"Name": "weft", "Namespace": os.Args[2]},
		"Chart":   load(filepath.Join(dir, "Chart.yaml")),
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		die(err)
		t, err := template.New(filepath.Base(f)).Option("missingkey=error").Funcs(template.FuncMap{
			"toYaml": toYaml, "indent": indent, "default": dflt, "quote": quote,
			"nindent": func(n int, s string) string { return "\n" + indent(n, s) },
		}).Parse(string(text))
		die(err)
		fmt.Println("---")
		die(t.Execute(os.Stdout, data))
	}
}
