package main

import (
	"bytes"
	"context"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/opencontainers/go-digest"
)

type finding struct {
	line     int
	rule     string
	sentence string
}

// offline answers for every base image with an empty configuration: linting needs no registry.
type offline struct{}

func (offline) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	return ref, digest.FromString(ref), []byte(`{"architecture":"amd64","os":"linux","config":{}}`), nil
}

// lint returns what BuildKit's linter (`docker build --check`) and our own rules find in a Dockerfile.
func lint(path string) ([]finding, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	source := llb.NewSourceMap(nil, path, "Dockerfile", text)
	source.Definition = &llb.Definition{}
	results, err := dockerfile2llb.DockerfileLint(context.Background(), text, dockerfile2llb.ConvertOpt{SourceMap: source, MetaResolver: offline{}})
	if err != nil {
		return nil, err
	}
	var found []finding
	if results.Error != nil {
		found = append(found, finding{1, "build", results.Error.Message})
	}
	for _, warning := range results.Warnings {
		line := 1
		if warning.Location != nil && len(warning.Location.Ranges) > 0 {
			line = int(warning.Location.Ranges[0].Start.Line)
		}
		found = append(found, finding{line, warning.RuleName, warning.Detail})
	}
	own, err := ownRules(text)
	return append(found, own...), err
}

// ownRules holds what this repository asks for beyond the linter: pinned bases, no ADD, a last stage with user and health check.
func ownRules(text []byte) ([]finding, error) {
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, err
	}
	var found []finding
	names := map[string]bool{}
	for _, stage := range stages {
		if !names[stage.BaseName] && !pinned(stage.BaseName) {
			found = append(found, finding{line(stage.Location), "pinned-base", stage.BaseName + " has no full version"})
		}
		names[stage.Name] = true
		for _, command := range stage.Commands {
			if _, adds := command.(*instructions.AddCommand); adds {
				found = append(found, finding{line(command.Location()), "no-add", "COPY says what is meant"})
			}
		}
	}
	return append(found, lastStage(stages[len(stages)-1])...), nil
}

// pinned says whether an image names a version with at least two dots, or a digest.
func pinned(base string) bool {
	if strings.Contains(base, "@sha256:") {
		return true
	}
	_, tag, tagged := strings.Cut(base[strings.LastIndex(base, "/")+1:], ":")
	version, _, _ := strings.Cut(tag, "-")
	return tagged && strings.Count(version, ".") >= 2
}

func lastStage(stage instructions.Stage) []finding {
	user, healthy := "", false
	for _, command := range stage.Commands {
		switch one := command.(type) {
		case *instructions.UserCommand:
			user = one.User
		case *instructions.HealthCheckCommand:
			healthy = len(one.Health.Test) > 1
		}
	}
	var found []finding
	name, _, _ := strings.Cut(user, ":")
	if name == "" || name == "0" || name == "root" {
		found = append(found, finding{line(stage.Location), "non-root", "the last stage runs as " + or(user, "root")})
	}
	if !healthy {
		found = append(found, finding{line(stage.Location), "healthcheck", "the last stage has none"})
	}
	return found
}

func line(location []parser.Range) int {
	if len(location) == 0 {
		return 1
	}
	return location[0].Start.Line
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
