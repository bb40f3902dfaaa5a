package harness

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/badgateway/badgateway/harness/expect"
	"github.com/badgateway/badgateway/harness/lab"
	"github.com/badgateway/badgateway/harness/record"
	"github.com/badgateway/badgateway/reports"
)

// result is what the case came to, with all that is shown of it: of the facts themselves only those of what was not green
// are kept. Config and log are those in the folder.
func (c Case) result(of record.Case, e expect.Evidence, verdicts []expect.Verdict, dir string) reports.Result {
	r := reports.Result{
		Scenario: c.Name, Gateway: of.Gateway, Detected: of.Detected, Seed: of.Seed, Ruling: reports.Worst(verdicts), Verdicts: verdicts,
		Summary: reports.Summarise(e), Case: &of, Timeline: reports.NewTimeline(e),
		Config: configsIn(dir, ""), Log: logsOf(dir, verdicts),
		Replay: c.commands.replay, Dir: c.Dir,
	}
	if c.commands.repeat != "" {
		r.Repeat = c.commands.repeat + strconv.FormatUint(of.Seed, 10)
	}
	return r
}

// frontIn is where the lab left config and log of the gateway in front, if there was one; inFront marks what is quoted of
// them.
func frontIn(dir string) string { return filepath.Join(dir, lab.FrontDir) }

const inFront = "in front: "

// mostConfig and mostLog bound what a result quotes: files and lines beyond are in the folder.
const (
	mostConfig = 64 << 10
	mostLog    = 20
	longLine   = 500
)

// configsIn reads the config of all gateways in the folder, and marks it.
func configsIn(dir, mark string) []reports.File {
	return append(configIn(dir, mark), configIn(frontIn(dir), mark+inFront)...)
}

// logsOf finds the lines that name a witness in the logs of all gateways in the folder.
func logsOf(dir string, verdicts []expect.Verdict) []string {
	return append(logOf(dir, verdicts, ""), logOf(frontIn(dir), verdicts, inFront)...)
}

// configIn reads the config files that the lab saved in the folder, and marks their names.
func configIn(dir, mark string) []reports.File {
	names, err := filepath.Glob(filepath.Join(dir, lab.ConfigDir, "*"))
	if err != nil {
		return nil
	}
	var files []reports.File
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err == nil && len(text) <= mostConfig && utf8.Valid(text) {
			files = append(files, reports.File{Name: mark + filepath.Base(name), Text: string(text)})
		}
	}
	return files
}

// logOf finds the lines of the gateway's log that name a witness, and marks them. A gateway that writes none, or nothing of
// ids, has none.
func logOf(dir string, verdicts []expect.Verdict, mark string) []string {
	var ids []string
	for _, v := range verdicts {
		if v.Witness != nil {
			ids = append(ids, v.Witness.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	var found []string
	_ = eachLogLine(dir, func(line string) bool { // what can be quoted of it is no fact
		if slices.ContainsFunc(ids, func(id string) bool { return names(line, id) }) {
			found = append(found, mark+strings.ToValidUTF8(line[:min(len(line), longLine)], "?"))
		}
		return len(found) < mostLog
	})
	return found
}

// eachLogLine goes through the gateway's log until it is told to stop.
func eachLogLine(dir string, do func(line string) bool) error {
	file, err := os.Open(filepath.Join(dir, lab.LogFile))
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !do(lines.Text()) {
			break
		}
	}
	return lines.Err()
}

// bookings reads what the gateway's log says of requests, and that of the gateway in front, if there is one.
func (c Case) bookings() ([]record.Booking, error) {
	all := []record.Booking{}
	read := func(dir string, front bool) error {
		return eachLogLine(dir, func(line string) bool {
			if id, status, ok := c.Gateway.Booked(line); ok {
				if status == 0 { // as some write it
					status = record.NoStatus
				}
				all = append(all, record.Booking{ID: strings.Clone(id), Status: status, Front: front})
			}
			return true
		})
	}
	err := read(c.Dir, false)
	if err == nil && c.Scenario.Front != nil {
		err = read(frontIn(c.Dir), true)
	}
	return all, err
}

// names reports whether the line has the id, and not one that begins or ends like it.
func names(line, id string) bool {
	for before, after, found := strings.Cut(line, id); found; before, after, found = strings.Cut(after, id) {
		if !endsInWord(before) && (after == "" || !inWord(after[0])) {
			return true
		}
	}
	return false
}

func endsInWord(s string) bool { return s != "" && inWord(s[len(s)-1]) }

func inWord(b byte) bool {
	return b == '-' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
