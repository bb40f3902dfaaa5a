package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/badgateway/badgateway/fixtures/gateways"
	"github.com/badgateway/badgateway/fixtures/images"
	"github.com/badgateway/badgateway/harness/lab"
)

func newImagesCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "images [SELECTION]",
		Short: "pull or build the images of gateways now",
		Long: `images gets the images of the selected gateways (all, if none are), of the backend and of Toxiproxy: those that are not on
the container engine are pulled, else built. Runs do so too; this does it beforehand. It never starts a gateway, never
removes an image, and never pulls one that is there.`,
		Example: `  badgateway images nginx@1.30,haproxy
  badgateway images`,
		Args:              takes("[SELECTION]"),
		ValidArgsFunction: completeThen(completeSelection),
		RunE: func(cmd *cobra.Command, args []string) error {
			return ended(obtainImages(cmd.Context(), selectionOf(args), cmd.OutOrStdout(), cmd.ErrOrStderr()))
		},
	}
}

// atOnce is how many images are obtained at a time: one is unpacked while the next is fetched, and no machine is swamped.
const atOnce = 2

// obtaining is one image on its way.
type obtaining struct {
	images.Recipe
	gateway bool // and not what goes with every gateway
	needed  bool // a gateway that was named, or what goes with every gateway
	got     images.Obtained
	err     error
	took    time.Duration
}

// obtainer is lab.ObtainImage.
type obtainer func(ctx context.Context, r images.Recipe, progress func(string)) (images.Obtained, error)

func obtainImages(ctx context.Context, selection string, out, errOut io.Writer) int {
	selected, err := selectGateways(selection)
	if err != nil {
		fmt.Fprintln(errOut, "badgateway:", err)
		return exitUsage
	}
	if err := lab.Engine(ctx); err != nil {
		fmt.Fprintln(errOut, "badgateway:", err)
		return exitFailed
	}
	work := wanted(selected)
	obtainAll(ctx, work, lab.ObtainImage, timed(errOut))
	if err := imageTable(out, work); err != nil {
		fmt.Fprintln(errOut, "badgateway:", err)
		return exitHarness
	}
	if ctx.Err() != nil {
		fmt.Fprintln(errOut, "badgateway: interrupted")
		return exitFailed
	}
	return imagesCode(work)
}

// wanted is the work that a selection makes: the backend and Toxiproxy, then its gateways.
func wanted(selected []gateways.Selected) []obtaining {
	var fleet []gateways.Gateway
	named := map[string]bool{}
	for _, s := range selected {
		fleet = append(fleet, s.Gateway)
		named[s.Recipe().Name] = named[s.Recipe().Name] || s.Named
	}
	var work []obtaining
	for _, r := range lab.Images(fleet) {
		isNamed, gateway := named[r.Name]
		work = append(work, obtaining{Recipe: r, gateway: gateway, needed: isNamed || !gateway})
	}
	return work
}

// obtainAll obtains, a few at a time and in order, until everything was tried or ctx has ended.
func obtainAll(ctx context.Context, work []obtaining, obtain obtainer, progress func(string)) {
	next := make(chan *obtaining)
	var workers sync.WaitGroup
	for range atOnce {
		workers.Go(func() {
			for w := range next {
				w.run(ctx, obtain, progress)
			}
		})
	}
	for i := range work {
		next <- &work[i]
	}
	close(next)
	workers.Wait()
}

func (w *obtaining) run(ctx context.Context, obtain obtainer, progress func(string)) {
	if w.err = context.Cause(ctx); w.err != nil {
		return
	}
	began := time.Now()
	w.got, w.err = obtain(ctx, w.Recipe, progress)
	w.took = time.Since(began)
	switch {
	case w.err != nil:
		progress(w.Name + ": failed")
	case w.got.Source != images.FromEngine: // else there was nothing to do
		progress(w.Name + ": " + w.got.How)
	}
}

// timed returns what prints lines with the time of day, from any goroutine.
func timed(w io.Writer) func(string) {
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintln(w, time.Now().Format(time.TimeOnly), line)
	}
}

// sources says where an image came from, for people.
var sources = map[images.Source]string{
	images.FromEngine: "was on the engine", images.FromRegistry: "pulled", images.Built: "built",
}

// imageTable writes what was obtained, then what was not, and why.
func imageTable(w io.Writer, work []obtaining) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "for\timage\tsource\tseconds")
	var why []string
	for _, o := range work {
		source, seconds := "not had", "-"
		if o.took > 0 {
			seconds = fmt.Sprintf("%.1f", o.took.Seconds())
		}
		switch {
		case o.err == nil:
			source = cmp.Or(sources[o.got.Source], string(o.got.Source))
		case errors.Is(o.err, context.Canceled):
			source = "interrupted"
		default:
			why = append(why, o.err.Error())
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", o.Name, cmp.Or(o.got.Ref, o.Image, "-"), source, seconds)
	}
	if err := table.Flush(); err != nil || len(why) == 0 {
		return err
	}
	_, err := fmt.Fprintln(w, "\n"+strings.Join(why, "\n"))
	return err
}

// imagesCode fails when something is missing that was named or that every scenario in containers needs. Of the rest, as of
// "all", any gateway will do, but there must be one.
func imagesCode(work []obtaining) int {
	gateways, had := 0, 0
	for _, o := range work {
		if o.needed && o.err != nil {
			return exitFailed
		}
		if o.gateway {
			gateways++
			if o.err == nil {
				had++
			}
		}
	}
	if gateways > 0 && had == 0 {
		return exitFailed
	}
	return exitOK
}
