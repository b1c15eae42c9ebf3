//go:build tools

// Package tools names metrics-server, whose dependencies are not those of Kubernetes' own programs.
package tools

import _ "sigs.k8s.io/metrics-server/cmd/metrics-server"
