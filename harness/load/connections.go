package load

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Connections is how the client uses its connections. The zero value keeps them alive: it uses a connection again once its
// answer is complete, and opens another when none is free.
type Connections struct {
	// AtMost is how many connections an open loop has at a time; a request that finds none free waits for one, and its latency
	// counts from when it was due. Zero is as many as it takes.
	AtMost int
	// Requests is how many requests a connection carries before the client closes it; zero is any number.
	Requests int
	// Age is how old a connection gets before the client closes it instead of using it again; zero is any age.
	Age time.Duration

	way way
}

// way is what else can be done with a connection than to keep it.
type way string

const (
	perRequest       way = "one connection per request"
	perRequestHTTP10 way = "one connection per request, HTTP/1.0"
)

// The ways to use connections.
var (
	// KeepAlive uses a connection again once its answer is complete, and opens another when none is free.
	KeepAlive = Connections{}
	// PerRequest opens a connection for each request and asks for its end (HTTP/1.1, Connection: close).
	PerRequest = Connections{way: perRequest}
	// PerRequestHTTP10 is PerRequest as HTTP/1.0 clients do it.
	PerRequestHTTP10 = Connections{way: perRequestHTTP10}
)

// String says in words how they are used.
func (c Connections) String() string {
	var words []string
	if c.way != "" {
		words = append(words, string(c.way))
	}
	if c.AtMost > 0 {
		words = append(words, fmt.Sprintf("at most %d connections", c.AtMost))
	}
	if c.Requests > 0 {
		words = append(words, fmt.Sprintf("at most %d requests on each connection", c.Requests))
	}
	if c.Age > 0 {
		words = append(words, fmt.Sprintf("connections used for at most %s", c.Age))
	}
	if words == nil {
		return "connections kept alive"
	}
	return strings.Join(words, ", ")
}

func (c Connections) validate() error {
	var problems []error
	if c.AtMost < 0 || c.Requests < 0 || c.Age < 0 {
		problems = append(problems, fmt.Errorf("load: at most %d connections, %d requests on each, used for %s: want no negative limit",
			c.AtMost, c.Requests, c.Age))
	}
	if c.way != "" && (c.Requests != 0 || c.Age != 0) {
		problems = append(problems, fmt.Errorf("load: %s, so there is no limit to set to its requests or its age", c.way))
	}
	return errors.Join(problems...)
}

// keeps reports whether a connection can be used again that has carried so many requests and is that old.
func (c Connections) keeps(requests int, age time.Duration) bool {
	return c.way == "" && (c.Requests == 0 || requests < c.Requests) && (c.Age == 0 || age < c.Age)
}
