"""Decide what goes on which slide. Pure: a lesson in, slides out, each of a size that fits 1280 × 720.

    # title            its first paragraph; then the goals, with minutes and needs
    ## section         the section's first words, with its **Predict:** if it has one
    code               what it printed, with the code if that is short, between the words above and those below
    ### Exercise       what to do; the hint is in the notes, and the answer on no slide
    table, picture     one slide each (a long table, several)
    quiz               one slide for each question; which option is right is in the notes
    Recap              its points

A slide shows the beginning of a text. The whole of it is in the notes, so nothing is lost by cutting. Cells tagged
`parameters`, `stub` or `solution`, checks and imports are left out.
"""

import html
import re
from dataclasses import dataclass, replace

from authoring.slides.reading import Block, Cell, Lesson, Question, colored, rendered

ROOM = 12.0
"""Lines of 31 pixels that fit below a title."""
WIDE = 66
"""Characters of such a line."""
CODE_LINES, OUT_LINES, OUT_WIDE = 8, 11, 90
DEFINED_LINES = 15
"""Lines of code that are shown if nothing is printed."""
SMALL = 0.72
"""The height of a line of code, in lines of text."""
TABLE_WIDE = 84
"""Characters of a row of a table."""
LEFT_OUT = {"parameters", "stub", "solution"}
GUESS = re.compile(r"^guess = [^\n]*(\.\.\.|[{(])", re.MULTILINE)
SENTENCE = re.compile(r"(?<=[.?!)>])\s+(?=[A-Z<(])")
STARS = re.compile(r"Exercise (\S+) · (\S+) · (.*)")


@dataclass(frozen=True)
class Slide:
    """A slide: its title, its body and its notes as HTML, and its kind, which is also its class."""

    kind: str
    title: str
    body: str
    notes: str
    picture: str = ""


def slides(lesson: Lesson, advice: str = "") -> list[Slide]:
    """All slides of a lesson. `advice` is the guide's text about it, for the notes of the first one."""
    made = opening(lesson, advice)
    title = inline(lesson.title)
    for cell in lesson.cells[first_section(lesson) :]:
        if cell.blocks:
            headings = [b for b in cell.blocks if b.kind == "heading"]
            title = next((b.html for b in headings if b.level == 2), title)
            before, task, after = around_exercise(cell)
            if before.blocks:
                add_prose(made, title, before)
            if task:
                made += exercise(task, after)
        elif cell.quiz:
            many = len(cell.quiz)
            made += [quiz(number, many, question) for number, question in enumerate(cell.quiz, 1)]
        elif shown := run(title, cell):
            add_run(made, shown)
    return [replace(slide, notes=slide.notes or f"<p>{html.escape(lesson.title)}</p>") for slide in made]


def opening(lesson: Lesson, advice: str) -> list[Slide]:
    """The title, and what one can do afterwards: from the texts before the first code and the first section."""
    cells = lesson.cells[: first_section(lesson)]
    texts = [b for cell in cells for b in cell.blocks if b.kind == "text"]
    goals = next((b.html for cell in cells for b in cell.blocks if b.kind == "list"), "")
    needs = next((b.html for b in texts if b.text.startswith("Minutes:")), "")
    notes = "".join(map(whole, cells))
    first = Slide(
        "title", f"{lesson.number} · {inline(lesson.title)}", cut(texts[0].html, 5), rendered(advice) or notes
    )
    return [
        first,
        Slide("goals", "After this lesson you can", f'{goals}<div class="needs">{needs}</div>', notes),
    ]


def first_section(lesson: Lesson) -> int:
    """How many cells there are before the first code or section."""
    for at, cell in enumerate(lesson.cells):
        if not cell.blocks or any(b.kind == "heading" and b.level >= 2 for b in cell.blocks):
            return max(1, at)
    return len(lesson.cells)


def around_exercise(cell: Cell) -> tuple[Cell, Block | None, Cell]:
    """What stands before the heading of an exercise, that heading, and the rest. A cell without one is all before."""
    for at, one in enumerate(cell.blocks):
        if one.kind == "heading" and one.level == 3 and one.text.startswith("Exercise"):
            return replace(cell, blocks=cell.blocks[:at]), one, replace(cell, blocks=cell.blocks[at + 1 :])
    return cell, None, cell


def add_run(made: list[Slide], shown: Slide) -> None:
    """Add what a cell printed; to the slide with the words that lead to it, if there is room."""
    last = made[-1]
    if last.kind == "text" and last.title == shown.title and lines_of(last.body + shown.body) <= ROOM:
        made[-1] = replace(shown, body=last.body + shown.body, notes=last.notes + shown.notes)
    else:
        made.append(shown)


def add_prose(made: list[Slide], title: str, cell: Cell) -> None:
    """Add the slides of a text. After an output, its first words go below that: they say what it means."""
    blocks, notes = [b for b in cell.blocks if b.kind != "heading"], whole(cell)
    if made[-1].kind == "run" and made[-1].title == title and blocks and means(blocks[0]):
        free = min(3.2, ROOM - lines_of(made[-1].body))
        if free >= 1:
            said = f'<div class="means">{cut(blocks[0].html, free)}</div>'
            made[-1] = replace(made[-1], kind="told", body=made[-1].body + said, notes=made[-1].notes + notes)
            blocks = [b for b in blocks[1:] if b.kind not in ("text", "code") or b.text.endswith(":")]
    plain = [b for b in blocks if b.kind in ("text", "predict", "list", "code")]
    if plain:
        kind = "ask" if any(b.kind == "predict" for b in plain) else "text"
        title, kind = ("Next", "recap") if plain[0].text.startswith("Next:") else (title, kind)
        kind = "recap" if "Recap" in title else kind
        made += [Slide(kind, title, body, notes) for body in bodies(plain)]
    for block in blocks:
        if block.kind == "picture":
            made.append(
                Slide("picture", title, "", f"<p>{html.escape(block.text)}</p>{notes}", block.rows[0])
            )
        elif block.kind == "table":
            made += [Slide("table", title, body, notes) for body in tables(block)]


def means(block: Block) -> bool:
    """Whether this is about what came before. A text that ends with a colon leads to what comes next."""
    return block.kind == "text" and not block.text.endswith(":")


def bodies(blocks: list[Block], room: float = ROOM) -> list[str]:
    """What is shown: predictions and lists always (on several slides, if need be), texts as far as there is room."""
    must = sum(lines_of(b.html) for b in blocks if b.kind in ("predict", "list"))
    free, parts, more = room - must, [], []
    for block in blocks:
        if block.kind == "predict":
            parts.append(f'<div class="predict">{block.html}</div>')
        elif block.kind == "list":
            if lines_of("".join(parts)) + lines_of(block.html) <= room:
                parts.append(block.html)
            else:
                more += split(block)
        elif block.kind == "code":
            if (need := lines_of(block.html)) < free:
                free -= need
                parts.append(block.html)
        elif free >= 1.4 and not (parts and must and lines_of("".join(parts)) > 4):
            text = cut(block.html, min(free, 5))
            free -= lines_of(text)
            parts.append(text)
    return [body for body in ["".join(parts), *more] if body]


def split(block: Block) -> list[str]:
    """A long list in several, none of which is longer than a slide."""
    tag = "ol" if block.level else "ul"
    groups: list[list[str]] = [[]]
    for item in block.rows:
        if groups[-1] and lines_of("".join([*groups[-1], item])) > ROOM - 1:
            groups.append([])
        groups[-1].append(item)
    start = 1
    made = []
    for group in groups:
        made.append(f"<{tag}{f' start={start}' if block.level else ''}>{''.join(group)}</{tag}>")
        start += len(group)
    return made


def tables(block: Block) -> list[str]:
    """A table in pieces that fit, each with its head."""
    head, *rows = block.rows
    lengths = [[len(bare(cell)) for cell in cells_of(row)] for row in rows]
    longest = [max(4, min(60, max(column))) for column in zip(*lengths, strict=False)]
    groups: list[list[str]] = [[]]
    used = 0.0
    for row, need in zip(rows, (row_lines(cells, longest) for cells in lengths), strict=True):
        if groups[-1] and used + need > ROOM:
            groups.append([])
            used = 0.0
        groups[-1].append(row)
        used += need
    return [f"<table><thead>{head}</thead><tbody>{''.join(group)}</tbody></table>" for group in groups]


def cells_of(row: str) -> list[str]:
    return re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)


def row_lines(lengths: list[int], longest: list[int]) -> float:
    """The height of a row in lines of text, if its columns share the width as their longest cells ask for."""
    shares = [max(4, int(TABLE_WIDE * one / max(TABLE_WIDE, sum(longest)))) for one in longest]
    return 0.4 + 0.72 * max(-(-length // share) for length, share in zip(lengths, shares, strict=False))


def run(title: str, cell: Cell) -> Slide | None:
    """What a cell printed, with its code if that is short; None if there is nothing for the room to see."""
    if not cell.code or cell.tags & LEFT_OUT or (not cell.printed and GUESS.search(cell.code)):
        return None
    checks = "check." in cell.code or GUESS.search(cell.code)
    code = cell.code.splitlines()
    short = (
        len(code) <= (CODE_LINES if cell.printed else DEFINED_LINES)
        and "folded" not in cell.tags
        and not checks
        and max(map(len, code)) <= OUT_WIDE
    )
    defines = re.search(r"^(def|class) ", cell.code, re.MULTILINE)
    counted = (
        not short and len(cell.printed) == 1 and cell.printed[0].isdigit()
    )  # what writing a file returns
    if counted or "check.progress(" in cell.code or not (cell.printed or (short and defines)):
        return None
    body = f'<pre class="code"><code>{colored(cell.code)}</code></pre>' if short else ""
    room = OUT_LINES - (len(code) if short else 0) // 2
    kept = [line[: OUT_WIDE - 1] + "…" if len(line) > OUT_WIDE else line for line in cell.printed[:room]]
    if len(cell.printed) > room:
        kept[-1] = f"… and {len(cell.printed) - room + 1} more lines"
    if kept:
        body += f'<pre class="out"><code>{html.escape(chr(10).join(kept))}</code></pre>'
    cut_off = len(cell.printed) > room or any(len(line) > OUT_WIDE for line in cell.printed)
    notes = f"<pre>{html.escape(chr(10).join(cell.printed))}</pre>" if cut_off else ""
    if not short and "folded" not in cell.tags:
        notes += f"<pre>{html.escape(cell.code)}</pre>"
    return Slide("run", title, body, notes)


def exercise(heading: Block, cell: Cell) -> list[Slide]:
    """What to do, and for how long. The steps that do not fit go on."""
    found = STARS.match(heading.text)
    name, stars, rest = found.groups() if found else (heading.text, "", "")
    hard = f"difficulty {stars.count('★')} of {len(stars)} · " if stars else ""
    clock = f'<p class="clock">{hard}<b>{html.escape(rest)}</b></p>'
    hint = f"<p><b>Hint:</b> {html.escape(cell.hint)}</p>" if cell.hint else ""
    first, *more = bodies([b for b in cell.blocks if b.kind in ("text", "list", "code")], ROOM - 1) or [""]
    title, notes = f"Exercise {html.escape(name)}", whole(cell) + hint
    goes_on = [Slide("more", f"{title}, continued", body, notes) for body in more]
    return [Slide("exercise", title, clock + first, notes), *goes_on]


def quiz(number: int, many: int, question: Question) -> Slide:
    """A question with its options in an order that does not tell; the notes say which one is right, and why."""
    order = sorted(question.options)
    right = "ABCDEFGH"[order.index(question.options[0])]
    items = "".join(f"<li>{inline(option)}</li>" for option in order)
    notes = f"<p><b>{right}</b>: {inline(question.options[0])}. {inline(question.why)}</p>"
    return Slide(
        "quiz",
        f"Question {number} of {many}",
        f"<p>{inline(question.text)}</p><ol class=letters>{items}</ol>",
        notes,
    )


def inline(markdown: str) -> str:
    return rendered(markdown).strip().removeprefix("<p>").removesuffix("</p>")


def whole(cell: Cell) -> str:
    """All that a text says."""
    return "".join(b.html for b in cell.blocks if b.kind not in ("heading", "picture"))


def cut(text: str, lines: float) -> str:
    """The first sentences of a paragraph that fit into this many lines; at least one. No tag or parenthesis stays open."""
    kept, best = "", ""
    for sentence in SENTENCE.split(text.strip().removeprefix("<p>").removesuffix("</p>")):
        kept = f"{kept} {sentence}".strip()
        if best and len(bare(kept)) / WIDE > lines:
            break
        if len(re.findall(r"<[a-z]", kept)) == kept.count("</") and kept.count("(") <= kept.count(")"):
            best = kept
    return f"<p>{best or kept}</p>"


def lines_of(text: str) -> float:
    """About how many lines of text this HTML takes."""
    total = 0.0
    for found in re.finditer(r"<pre.*?</pre>|<(?:p|li)\b.*?(?=<p\b|<li\b|<pre\b|\Z)", text, re.DOTALL):
        if found[0].startswith("<pre"):
            wrapped = sum(1 + len(line) // OUT_WIDE for line in bare(found[0]).splitlines())
            total += SMALL * wrapped + 0.8
        else:
            total += -(-len(bare(found[0])) // WIDE) + 0.35
    return total


def bare(text: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", text)).strip()
