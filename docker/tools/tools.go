//go:build tools

// Package tools pins the programs that the set-up builds: the object store and the process supervisor.
package tools

import (
	_ "github.com/f1bonacc1/process-compose"
	_ "github.com/minio/minio"
)
