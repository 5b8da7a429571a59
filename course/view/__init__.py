"""Render turns as a page, as notebook output, or as text for the console.

Shows what `course.turns` found, with charts, long parts folded and special tokens set off, and beside each turn what a
diagnosis found in it. Reads no tape, computes nothing and judges nothing. The page is one file that needs no network. Its
raw bodies are packed (course/view/raw.py) and its closed turns are kept as text. Both are expanded on demand, so that a
long tape opens quickly. Page and notebook output share one template.

    made = turns(tape.records())
    Path("run.html").write_text(page(made, "The leopard", diagnose(made)), encoding="utf-8")
"""

import json
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

from course.turns import PromptSegment, Turn, runs, text_of
from course.view import charts, proof, raw
from course.view.console import (
    beginning,
    calls_of,
    facts,
    field_of,
    is_long,
    others,
    parts,
    run_name,
    short,
    size,
    step_name,
    text,
)

if TYPE_CHECKING:
    from IPython.display import HTML

    from course.diagnose.finding import Finding

__all__ = ["overview", "page", "render", "show", "style", "text", "tokens_shown"]

SPECIAL = re.compile(  # of ChatML, Llama, DeepSeek, Gemma, Mistral. templates/page.js has the same expression
    r"[<\[](?:\|[^|<>]{1,40}\|>|｜[^｜<>]{1,40}｜>"
    r"|/?(?:think|code|tool_call|tool_response|tools|s|bos|eos|start_of_turn|end_of_turn)>"
    r"|/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])"
)
OPEN_TURNS = 30
"""A page with more turns starts with all of them closed, except those with an error."""
OPEN_CHARACTERS = 1_000_000
"""The most HTML that is open at first. Turns beyond it start closed."""
TOP = Markup('align="left" valign="top" style="text-align:left;vertical-align:top"')
"""Attributes of a cell of text: for GitHub, which drops `style`, and for JupyterLab, whose own rules win over `align`."""
LEFT = Markup('align="left" style="text-align:left"')
"""The same for a heading."""
WRAP = Markup('style="white-space:pre-wrap;word-break:normal"')
"""An attribute of <pre> for JupyterLab without the style sheet, where words would be cut in two."""
FOLD = 72
"""Where notebook output folds a line: two columns of such lines fit on a wide screen."""
MOST_ROWS = 18
"""A longer table of prompt segments is shortened in the middle."""


def page(
    turns: Iterable[Turn], title: str = "On the wire", findings: "Iterable[Finding] | None" = None
) -> str:
    """One HTML file with everything in it, raw requests and responses included.

    `findings` are those of `course.diagnose.diagnose`, None if the turns were not diagnosed.
    """
    turns = list(turns)
    known = None if findings is None else list(findings)
    html = _render(
        "page.html",
        turns,
        title=title,
        summary=_summary(turns),
        findings=known,
        found=proof.by_turn(known or (), turns),
        indexes=proof.indexes(turns),
        opened=len(turns) <= OPEN_TURNS,
        most_open=OPEN_CHARACTERS,
        raw=[Markup(raw.script_json(block)) for block in raw.blocks(turns)],
        page_style=_file("page.css"),
        script=_file("page.js") + _file("proof.js") + _file("search.js"),
    )
    return html.encode("utf-8", "backslashreplace").decode(
        "utf-8"
    )  # a lone surrogate cannot be written as UTF-8


def show(turns: Turn | Iterable[Turn]) -> "HTML":
    """Turns as notebook output, without the raw bodies. Static: it needs no kernel and no script, and a notebook that is
    not trusted, which loses the style sheet, still shows both columns.
    """
    turns = [turns] if isinstance(turns, Turn) else list(turns)
    return _output(_render("show.html", turns, fold=FOLD, found={}))


def overview(turns: Iterable[Turn]) -> "HTML":
    """Where a run's time and tokens go as notebook output: a table with bars, turn by turn."""
    return _output(render("overview.html", turns=list(turns)))


def tokens_shown(text: str, fold: int = 0) -> Markup:
    """The text, escaped, with its special tokens set off. With `fold`, <br> is added where a line gets longer than that.

    Where styles are kept, these <br> are hidden. Where they are not, a <pre> might not wrap, and would push the next column
    out of sight.
    """
    result, at = [], 0
    for match in SPECIAL.finditer(text):
        result += [_escaped(text[at : match.start()], fold), _token(match[0])]
        at = match.end()
    return Markup("".join([*result, _escaped(text[at:], fold)]))


def _escaped(text: str, fold: int) -> str:
    """The text, escaped; its long lines are folded behind a space, if there is one."""
    if not fold or len(text) <= fold:
        return str(escape(text))
    return "\n".join(_folded(line, fold) for line in text.split("\n"))


def _folded(line: str, fold: int) -> str:
    pieces, at = [], 0
    while len(line) - at > fold:
        space = line.rfind(" ", at, at + fold)
        end = at + fold if space < at else space + 1
        pieces.append(str(escape(line[at:end])))
        at = end
    return '<br style="display:none">'.join([*pieces, str(escape(line[at:]))])


def segment_rows(turn: Turn) -> list[PromptSegment]:
    """The segments of the prompt. In a long conversation, those in the middle are merged into one."""
    found = turn.segments
    if len(found) <= MOST_ROWS:
        return found
    middle = [i for i, s in enumerate(found) if s.kind in ("turn", "calls", "observation", "message")]
    first, last = middle[3], middle[-6]
    between = found[first:last]
    cached = None if found[0].cached is None else sum(s.cached or 0 for s in between)
    sums = (sum(s.characters for s in between), sum(s.tokens for s in between), cached)
    return [*found[:first], PromptSegment("turn", f"{len(between)} parts in between", *sums), *found[last:]]


def stack_of(kind: str) -> str:
    """The part of the stacked chart that a kind of segment belongs to."""
    return next(name for name, kinds in charts.STACK.items() if kind in kinds)


def tojson_plain(value: Any) -> str:
    """Readable JSON: only what JSON requires is escaped."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def style() -> Markup:
    """The style sheet of notebook output and page. Every rule applies inside of .aow only."""
    return _file("style.css")


def render(template: str, **values: Any) -> str:
    """A template of this package, autoescaped."""
    return _environment().get_template(template).render(style=style(), **values)


def _output(html: str) -> "HTML":
    from IPython.display import HTML

    return HTML(html)  # type: ignore[no-untyped-call]  # IPython does not annotate it


@lru_cache
def _token(text: str) -> str:
    return f'<b class="tok">{escape(text)}</b>'


def _render(template: str, turns: list[Turn], **values: Any) -> str:
    widest = max((sum(n for _, n in parts(t)) for t in turns), default=0) or 1
    has_steps = any(
        t.step or t.run or t.quoted for t in turns
    )  # without one, another client made the requests
    return render(
        template, turns=turns, widest=widest, prompts=_new_in_prompts(turns), has_steps=has_steps, **values
    )


def _new_in_prompts(turns: list[Turn]) -> dict[int, tuple[int, str]]:
    """By the index of each turn with a prompt: how many characters it shares with an earlier one, and the rest."""
    known = [(t.index, t.prompt) for t in turns if t.prompt]
    found = raw.deltas([prompt for _, prompt in known])
    return {index: (d.start, prompt[d.start :]) for (index, prompt), d in zip(known, found, strict=True)}


def _file(name: str) -> Markup:
    return Markup((files("course.view") / "templates" / name).read_text(encoding="utf-8"))


def _summary(turns: list[Turn]) -> str:
    run = next((t.run for t in turns if t.run), None) or {}
    server, ran = run.get("server") or {}, len(runs(turns))
    said = [f"{ran} runs"] if ran > 1 else []
    said.append(f"{len(turns)} turn{'' if len(turns) == 1 else 's'}")
    said.append(f"{sum(t.seconds or 0 for t in turns):.1f} s")
    lone = sum(1 for t in turns if t.exchange and not t.step and not t.repeated_in)
    if lone and lone < len(turns):
        said.append(f"{lone} without a step")
    known = (run.get("model"), server.get("build"), (run.get("when") or "")[:16].replace("T", " "))
    return " · ".join([*said, *(str(part) for part in known if part)])


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("course.view"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    filters = (
        text_of, size, is_long, beginning, parts, step_name, facts, short, tokens_shown, segment_rows, stack_of,
        tojson_plain, run_name, runs, others, field_of, calls_of, charts.tick, charts.phases, charts.timeline,
        charts.growth, charts.rows_of, proof.place_of, proof.commands, proof.sentence,
    )  # fmt: skip
    environment.filters |= {f.__name__: f for f in filters}
    environment.globals |= {
        "NAMES": charts.NAMES,
        "PHASES": charts.PHASES,
        "LEFT": LEFT,
        "TOP": TOP,
        "WRAP": WRAP,
    }
    return environment
