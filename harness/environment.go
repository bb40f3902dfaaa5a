package harness

import (
	"os"
	"runtime"
	"time"

	"github.com/badgateway/badgateway/reports"
)

func (s *run) environment() reports.Environment {
	host, _ := os.Hostname() // "" is as good as any other name for an unknown host
	return reports.Environment{
		Suite: s.suite, Began: s.began, Ended: time.Now(), Seed: s.Seed, Gateways: s.Gateway, Profile: s.Profile.String(),
		Keep: s.Keep, Strict: s.Strict, Thresholds: s.Thresholds,
		Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Host: host,
	}
}
