"""Draw turns: a page, a notebook output, or text for the console.

Does: renders what `course.turns` found, long parts folded, special tokens made visible, with charts. The page is
one file: raw bodies are in it packed (course/view/raw.py), closed turns as text, and both unfold on demand, so that a long
tape opens at once. Does not: read tapes, compute, judge. The page and the notebook share one template.

    Path("run.html").write_text(page(turns(tape.records()), "The leopard"))
"""

import json
import re
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

from course.turns import PromptSegment, Turn, runs, text_of
from course.view import charts, raw
from course.view.console import beginning, facts, is_long, parts, run_name, short, size, step_name, text

__all__ = ["overview", "page", "render", "show", "style", "text", "tokens_shown"]

SPECIAL = re.compile(  # of ChatML, Llama, DeepSeek, Gemma, Mistral; templates/page.js has the same. One first class: quick
    r"[<\[](?:\|[^|<>]{1,40}\|>|｜[^｜<>]{1,40}｜>"
    r"|/?(?:think|code|tool_call|tool_response|tools|s|bos|eos|start_of_turn|end_of_turn)>"
    r"|/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS)\])"
)
OPEN_TURNS, OPEN_CHARACTERS, MOST_ROWS = 30, 1_000_000, 18


def page(turns: Iterable[Turn], title: str = "On the wire") -> str:
    """One HTML file with everything in it, raw requests and responses too."""
    turns = list(turns)
    html = _render(
        "page.html",
        turns,
        title=title,
        summary=_summary(turns),
        opened=len(turns) <= OPEN_TURNS,
        most_open=OPEN_CHARACTERS,
        raw=[Markup(raw.script_json(block)) for block in raw.blocks(turns)],
        page_style=_file("page.css"),
        script=_file("page.js") + _file("search.js"),
    )
    return html.encode("utf-8", "backslashreplace").decode("utf-8")  # half a character is no text


def show(turns: Turn | Iterable[Turn]):
    """The same as a notebook output, without the raw bodies. Static: it needs no kernel and no script."""
    from IPython.display import HTML

    return HTML(_render("show.html", [turns] if isinstance(turns, Turn) else list(turns)))


def overview(turns: Iterable[Turn]):
    """The charts of a run as a notebook output: time and tokens, turn by turn."""
    from IPython.display import HTML

    return HTML(render("overview.html", turns=list(turns)))


def tokens_shown(text: str) -> Markup:
    """Escaped, with special tokens set off from the text around them."""
    result, at = [], 0
    for match in SPECIAL.finditer(text):
        result += [str(escape(text[at : match.start()])), _token(match[0])]
        at = match.end()
    return Markup("".join([*result, str(escape(text[at:]))]))


@lru_cache
def _token(text: str) -> str:
    return f'<span class="tok">{escape(text)}</span>'


def segment_rows(turn: Turn) -> list[PromptSegment]:
    """The parts of the prompt; in a long conversation, its middle as one."""
    found = turn.segments
    if len(found) <= MOST_ROWS:
        return found
    middle = [i for i, s in enumerate(found) if s.kind in ("turn", "calls", "observation", "message")]
    first, last = middle[3], middle[-6]
    between = found[first:last]
    cached = None if found[0].cached is None else sum(s.cached or 0 for s in between)
    sums = (sum(s.characters for s in between), sum(s.tokens for s in between), cached)
    return [*found[:first], PromptSegment("turn", f"{len(between)} parts between", *sums), *found[last:]]


def by_run(turns: list[Turn]) -> list[list[Turn]]:
    return runs(turns)


def stack_of(kind: str) -> str:
    return next(name for name, kinds in charts.STACK.items() if kind in kinds)


def tojson_plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def style() -> Markup:
    return _file("style.css")


def render(template: str, **values: Any) -> str:
    """A template of this package, autoescaped."""
    return _environment().get_template(template).render(style=style(), **values)


def _render(template: str, turns: list[Turn], **values: Any) -> str:
    widest = max((sum(n for _, n in parts(t)) for t in turns), default=0) or 1
    return render(template, turns=turns, widest=widest, prompts=_new_in_prompts(turns), **values)


def _new_in_prompts(turns: list[Turn]) -> dict[int, tuple[int, str]]:
    """For each turn with a prompt: how many characters it shares with an earlier one, and the rest."""
    known = [t for t in turns if t.prompt]
    found = raw.deltas([t.prompt for t in known])
    return {t.index: (d.start, t.prompt[d.start :]) for t, d in zip(known, found, strict=True)}


def _file(name: str) -> Markup:
    return Markup((files("course.view") / "templates" / name).read_text(encoding="utf-8"))


def _summary(turns: list[Turn]) -> str:
    run = next((t.run for t in turns if t.run), None) or {}
    server = run.get("server") or {}
    ran = len(runs(turns))
    said = [
        *([f"{ran} runs"] if ran > 1 else []),
        f"{len(turns)} turn{'' if len(turns) == 1 else 's'}",
        f"{sum(t.seconds or 0 for t in turns):.1f} s",
    ]
    lone = sum(1 for t in turns if t.exchange and not t.step and not t.repeated_in)
    if lone and lone < len(turns):
        said.append(f"{lone} without a step")
    said += [
        str(x)
        for x in (run.get("model"), server.get("build"), (run.get("when") or "")[:16].replace("T", " "))
        if x
    ]
    return " · ".join(said)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("course.view"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    filters = (
        text_of, size, is_long, beginning, parts, step_name, facts, short, tokens_shown, segment_rows, stack_of,
        tojson_plain, run_name, by_run, charts.tick, charts.phases, charts.timeline, charts.growth,
    )  # fmt: skip
    environment.filters |= {f.__name__: f for f in filters}
    return environment
