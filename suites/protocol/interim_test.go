package protocol

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/badgateway/badgateway/harness"
	"github.com/badgateway/badgateway/harness/fault"
	"github.com/badgateway/badgateway/harness/topology"
)

// A backend may send interim answers before the final one, asked for or not (RFC 9110, section 15.2). A gateway that takes
// one for the answer is one answer behind on that connection, and hands the next client the answer to somebody else's
// request: what always holds, that no answers are crossed, is what this is about. One that waits for the body of an interim
// answer, which has none, never ends; the client waits a second, which is a hundred times what an answer takes (catalogue
// I5; nginx/nginx#1427, caddyserver/caddy#5616).
func TestInterimAnswer(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusContinue, http.StatusProcessing, http.StatusEarlyHints} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			profile := harness.CI
			if status == http.StatusProcessing {
				profile = harness.Smoke
			}
			requests := steady(either)
			requests.Timeout = time.Second
			orders := topology.Replicas("orders", 1)
			interim := fault.Window{On: orders.Each(), Inject: fault.InterimResponse{Status: status}}
			harness.Run(t, harness.Scenario{
				Backends: orders,
				Policy:   pooled,
				Load:     requests,
				Faults:   fault.Schedule{interim},
				Expect:   unnoticed(interim.During()),
				Profile:  profile,
			})
		})
	}
}
