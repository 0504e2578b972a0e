// Command compose-check reads docker-compose.yml with the parser of Docker Compose, and Dockerfiles with BuildKit's own
// linter and a few rules of this repository.
//
//	compose-check compose FILE         prints the resolved project as JSON, ends with 1 when the parser refuses it
//	compose-check dockerfile FILE...   prints one finding a line (file:line: rule: sentence), ends with 1 when there is one
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: compose-check compose FILE | compose-check dockerfile FILE...")
		os.Exit(2)
	}
	switch os.Args[1] {
	case "compose":
		os.Exit(compose(os.Args[2]))
	case "dockerfile":
		os.Exit(dockerfiles(os.Args[2:]))
	default:
		fmt.Fprintf(os.Stderr, "unknown kind of file: %s\n", os.Args[1])
		os.Exit(2)
	}
}

// compose loads a compose file with every profile active, nothing taken from the caller's environment.
func compose(path string) int {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithProfiles([]string{"*"}), cli.WithoutEnvironmentResolution)
	if err == nil {
		project, failure := options.LoadProject(context.Background())
		if err = failure; err == nil {
			var text []byte
			if text, err = project.MarshalJSON(); err == nil {
				fmt.Println(string(text))
				return 0
			}
		}
	}
	fmt.Fprintf(os.Stderr, "%s: %v\n", path, err)
	return 1
}

func dockerfiles(paths []string) int {
	count := 0
	for _, path := range paths {
		found, err := lint(path)
		if err != nil {
			found = []finding{{1, "unreadable", err.Error()}}
		}
		for _, one := range found {
			fmt.Printf("%s:%d: %s: %s\n", path, one.line, one.rule, one.sentence)
			count++
		}
	}
	if count > 0 {
		return 1
	}
	return 0
}
