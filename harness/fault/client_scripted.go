package fault

import (
	"context"
	"strconv"

	"github.com/badgateway/badgateway/harness/load"
	"github.com/badgateway/badgateway/harness/record"
)

// What the faults that a rule of the client carries out have in common.

var _ ClientScript = (*load.Script)(nil)

var onClient = Act{On: Client, Holds: "requests", Chooses: anyUnit}

// scriptClient puts a rule in force at the client.
func (s Site) scriptClient(rule load.Rule, as Order) (Active, error) {
	rule.ID, rule.Of = as.ID, as.Of
	if err := s.Client.Add(rule); err != nil {
		return nil, err
	}
	return clientScripted{script: s.Client, id: as.ID}, nil
}

// clientScripted is a fault that a rule of the client carries out.
type clientScripted struct {
	script ClientScript
	id     string
}

func (s clientScripted) Lift(context.Context) error {
	s.script.Lift(s.id)
	return nil
}

func (s clientScripted) Receipt(context.Context) (record.Receipt, error) {
	return s.script.Receipt(s.id)
}

// validateClient checks the rule of a fault, which names it.
func validateClient(name string, r load.Rule) error {
	r.ID = name
	return r.Validate()
}

// behind names a byte in the words of a fault; zero has no name.
func behind(n int) string {
	if n == 0 {
		return ""
	}
	return " behind byte " + strconv.Itoa(n)
}
