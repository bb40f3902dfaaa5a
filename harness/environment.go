package harness

import (
	"os"
	"runtime"
	"time"
)

// environment is what run.json keeps of where and how a suite ran.
type environment struct {
	Suite    string    `json:"suite"`
	Ended    time.Time `json:"ended"`
	Seed     uint64    `json:"seed"`
	Gateways string    `json:"gateways"`
	Profile  string    `json:"profile"`
	Keep     string    `json:"keep"`
	Strict   bool      `json:"strict"`
	// Thresholds is the file that some of the bounds come from, if any.
	Thresholds string `json:"thresholds,omitempty"`
	Go         string `json:"go"`
	System     string `json:"system"`
	CPUs       int    `json:"cpus"`
	Host       string `json:"host"`
}

func (s *run) environment() environment {
	host, _ := os.Hostname() // "" is as good as any other name for an unknown host
	return environment{
		Suite: s.suite, Ended: time.Now(), Seed: s.Seed, Gateways: s.Gateway, Profile: s.Profile.String(), Keep: s.Keep, Strict: s.Strict, Thresholds: s.Thresholds,
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Host: host,
	}
}
