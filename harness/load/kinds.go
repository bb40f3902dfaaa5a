package load

import (
	"iter"
	"time"
)

// What every load can be asked is what its stream can.

// Validate reports everything that is wrong with the load, joined.
func (c Constant) Validate() error { return c.stream().validate() }

// String says in words what is sent.
func (c Constant) String() string { return c.stream().String() }

// Lasts is how long requests are sent.
func (c Constant) Lasts() time.Duration { return c.stream().lasts }

// Count is how many requests are sent.
func (c Constant) Count() int { return c.stream().count }

// Plan returns the schedule. The same seed gives the same, byte for byte.
func (c Constant) Plan(seed uint64) iter.Seq[Planned] { return c.stream().plan(seed) }

func (c Constant) streams() []stream { return []stream{c.stream()} }

// Validate reports everything that is wrong with the load, joined.
func (l Poisson) Validate() error { return l.stream().validate() }

// String says in words what is sent.
func (l Poisson) String() string { return l.stream().String() }

// Lasts is how long requests are sent.
func (l Poisson) Lasts() time.Duration { return l.stream().lasts }

// Count is how many requests are sent.
func (l Poisson) Count() int { return l.stream().count }

// Plan returns the schedule. The same seed gives the same, byte for byte.
func (l Poisson) Plan(seed uint64) iter.Seq[Planned] { return l.stream().plan(seed) }

func (l Poisson) streams() []stream { return []stream{l.stream()} }

// Validate reports everything that is wrong with the load, joined.
func (l Ramp) Validate() error { return l.stream().validate() }

// String says in words what is sent.
func (l Ramp) String() string { return l.stream().String() }

// Lasts is how long requests are sent.
func (l Ramp) Lasts() time.Duration { return l.stream().lasts }

// Count is how many requests are sent.
func (l Ramp) Count() int { return l.stream().count }

// Plan returns the schedule. The same seed gives the same, byte for byte.
func (l Ramp) Plan(seed uint64) iter.Seq[Planned] { return l.stream().plan(seed) }

func (l Ramp) streams() []stream { return []stream{l.stream()} }

// Validate reports everything that is wrong with the load, joined.
func (l Steps) Validate() error { return l.stream().validate() }

// String says in words what is sent.
func (l Steps) String() string { return l.stream().String() }

// Lasts is how long requests are sent.
func (l Steps) Lasts() time.Duration { return l.stream().lasts }

// Count is how many requests are sent.
func (l Steps) Count() int { return l.stream().count }

// Plan returns the schedule. The same seed gives the same, byte for byte.
func (l Steps) Plan(seed uint64) iter.Seq[Planned] { return l.stream().plan(seed) }

func (l Steps) streams() []stream { return []stream{l.stream()} }

// Validate reports everything that is wrong with the load, joined.
func (l Spike) Validate() error { return l.stream().validate() }

// String says in words what is sent.
func (l Spike) String() string { return l.stream().String() }

// Lasts is how long requests are sent.
func (l Spike) Lasts() time.Duration { return l.stream().lasts }

// Count is how many requests are sent.
func (l Spike) Count() int { return l.stream().count }

// Plan returns the schedule. The same seed gives the same, byte for byte.
func (l Spike) Plan(seed uint64) iter.Seq[Planned] { return l.stream().plan(seed) }

func (l Spike) streams() []stream { return []stream{l.stream()} }

// Validate reports everything that is wrong with the load, joined.
func (l Closed) Validate() error { return l.stream().validate() }

// String says in words what is sent.
func (l Closed) String() string { return l.stream().String() }

// Lasts is how long requests are sent.
func (l Closed) Lasts() time.Duration { return l.stream().lasts }

// Count is how many requests are sent, which nobody can know beforehand.
func (l Closed) Count() int { return l.stream().count }

// Plan returns the first request of each connection. The same seed gives the same, byte for byte.
func (l Closed) Plan(seed uint64) iter.Seq[Planned] { return l.stream().plan(seed) }

func (l Closed) streams() []stream { return []stream{l.stream()} }

// Validate reports everything that is wrong with the load, joined.
func (l PhaseLocked) Validate() error { return l.stream().validate() }

// String says in words what is sent.
func (l PhaseLocked) String() string { return l.stream().String() }

// Lasts is how long requests are sent.
func (l PhaseLocked) Lasts() time.Duration { return l.stream().lasts }

// Count is how many requests are sent, which nobody can know beforehand.
func (l PhaseLocked) Count() int { return l.stream().count }

// Plan returns the first request of each connection. The same seed gives the same, byte for byte.
func (l PhaseLocked) Plan(seed uint64) iter.Seq[Planned] { return l.stream().plan(seed) }

func (l PhaseLocked) streams() []stream { return []stream{l.stream()} }
