package reports

import (
	"fmt"
	"strings"
)

// markdownPage is Markdown that does not get longer than it may: rows that have no room are counted and left out. Headings,
// and what closes a block, are always there, for which some room is kept back.
type markdownPage struct {
	text strings.Builder
	most int
	kept int // room that rows leave to what comes after them
	left int
}

func newMarkdownPage(most int) *markdownPage { return &markdownPage{most: most, kept: most / 8} }

// last lets the rows of the last table have most of the room that was kept back for it.
func (p *markdownPage) last() { p.kept /= 4 }

// longCell is how many characters of a cell are shown.
const longCell = 600

func (p *markdownPage) say(format string, args ...any) { fmt.Fprintf(&p.text, format, args...) }

// row is there whole, or counted.
func (p *markdownPage) row(text string) {
	if p.text.Len()+len(text) > p.most-p.kept {
		p.left++
		return
	}
	p.text.WriteString(text)
}

// list has a line for each, under a heading; nothing of none.
func (p *markdownPage) list(title string, lines []string) {
	if len(lines) > 0 {
		p.say("\n## %s\n\n", title)
	}
	for _, line := range lines {
		p.row("- " + markdownText(line) + "\n")
	}
}

// commands are a block to be copied; nothing of none.
func (p *markdownPage) commands(lines []string) {
	if len(lines) == 0 {
		return
	}
	p.say("\n```sh\n")
	for _, line := range lines {
		p.row(line + "\n")
	}
	p.say("```\n")
}

// folded is a block that is opened by a click.
func (p *markdownPage) folded(title string, body func()) {
	p.say("\n<details><summary>%s</summary>\n", title)
	body()
	p.say("\n</details>\n")
}

// markdownTable is a table that begins with its first row; one without rows is not there.
type markdownTable struct {
	*markdownPage
	title, head string
	begun       bool
}

func (p *markdownPage) table(title string, columns ...string) *markdownTable {
	return &markdownTable{markdownPage: p, title: title, head: "| " + strings.Join(columns, " | ") + " |\n" + strings.Repeat("|---", len(columns)) + "|\n"}
}

func (t *markdownTable) row(cells ...string) {
	if !t.begun {
		t.begun = true
		if t.title != "" {
			t.say("\n## %s\n", t.title)
		}
		t.say("\n%s", t.head)
	}
	for i, cell := range cells {
		cells[i] = markdownText(cell)
	}
	t.markdownPage.row("| " + strings.Join(cells, " | ") + " |\n")
}

// markdownSpecial is what would be read as Markdown or HTML, and what would end a cell.
var markdownSpecial = strings.NewReplacer(
	`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "~", `\~`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;", "&", "&amp;",
	"\r\n", "<br>", "\n", "<br>", "\r", "<br>", "\t", " ",
)

// markdownText is text that is read as it is, in a cell or a line, cut if it is long.
func markdownText(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	if runes := []rune(text); len(runes) > longCell {
		text = string(runes[:longCell]) + " ..."
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, text)
	return markdownSpecial.Replace(text)
}
