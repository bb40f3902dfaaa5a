package record

import (
	"hash/maphash"
	"math/bits"
)

// index finds requests by their ids. It is a table of their places, at most half full, in which a place that is taken
// leads to the next one: 8 to 16 bytes for a request, where a map with the ids in it takes 50.
type index struct {
	requests []Request
	seed     maphash.Seed
	places   []int32 // the place of a request plus one; zero is free
}

func newIndex(requests []Request) index {
	x := index{requests: requests, seed: maphash.MakeSeed(), places: make([]int32, 2<<bits.Len(uint(len(requests))))}
	for i := range requests {
		x.places[x.slot(requests[i].ID)] = int32(i + 1)
	}
	return x
}

// find returns the place of the request with that id, or -1. Of several with the same id it is the last.
func (x index) find(id string) int { return int(x.places[x.slot(id)]) - 1 }

// slot is where the id is kept, or would be.
func (x index) slot(id string) int {
	for at := maphash.String(x.seed, id); ; at++ {
		slot := int(at & uint64(len(x.places)-1))
		if taken := x.places[slot]; taken == 0 || x.requests[taken-1].ID == id {
			return slot
		}
	}
}
