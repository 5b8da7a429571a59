"""Draw turns: a page, a notebook output, or text for the console.

Does: renders what `course.turns` found, long parts folded, special tokens made visible. Self-contained.
Does not: read tapes, compute, judge. The page and the notebook share one template.

    Path("run.html").write_text(page(turns(tape.records()), "The leopard"))
"""

import json
import re
import textwrap
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

from course.turns import Turn, text_of

SPECIAL = re.compile(r"<\|[^|<>]{1,40}\|>|</?(?:think|code|tool_call|tools|s)>")
LONG_CHARACTERS, LONG_LINES = 1100, 22


def page(turns: Iterable[Turn], title: str = "On the wire") -> str:
    """One HTML file with everything in it, raw requests and responses too."""
    turns = list(turns)
    return _render("page.html", turns, title=title, summary=_summary(turns))


def show(turns: Turn | Iterable[Turn]):
    """The same as a notebook output, without the raw bodies. Static: it needs no kernel and no script."""
    from IPython.display import HTML

    return HTML(_render("show.html", [turns] if isinstance(turns, Turn) else list(turns)))


def text(turn: Turn, width: int = 100) -> str:
    """One turn for the console."""
    lines = [f"── Turn {turn.index} · {facts(turn)} ".ljust(width, "─")]
    if turn.tokens.prompt is not None:
        lines.append("   " + " · ".join(f"{n:,} tokens {_WORDS[name]}" for name, n in parts(turn)))
    if turn.exchange:
        all_messages = turn.exchange.messages
        lines.append(f"→ new in the request: {len(turn.new_messages)} of {len(all_messages)} messages")
        for message in turn.new_messages:
            said = text_of(message)
            lines.append(f"   {message.get('role')}, {size(said)}")
            lines += _block(said, width, most=4)
    given = [
        ("← thinking (reasoning_content)", turn.thinking),
        ("← content", turn.content),
        ("  code that ran", turn.code),
        ("  observation", turn.observation),
        ("  error", turn.error or (turn.step or {}).get("error")),
    ]
    for title, body in given:
        if body:
            lines += [title, *_block(body, width, most=24)]
        elif body == "":
            lines.append(f"{title}: empty")
    if turn.is_final:
        lines.append(f"  answer: {turn.answer}")
    return "\n".join(lines) + "\n"


_WORDS = {"cached": "from the cache", "new": "read anew", "generated": "generated"}


def size(text: str) -> str:
    return f"{len(text):,} character{'' if len(text) == 1 else 's'}"


def is_long(text: str) -> bool:
    return len(text) > LONG_CHARACTERS or text.count("\n") >= LONG_LINES


def beginning(text: str) -> str:
    return " ".join(text[:400].split())[:160]


def parts(turn: Turn) -> list[tuple[str, int]]:
    """The pieces of the token bar; a server that tells nothing of its cache has read everything anew."""
    t = turn.tokens
    new = t.prompt if t.new is None else t.new
    return [
        (k, v) for k, v in (("cached", t.cached), ("new", new), ("generated", t.generated)) if v is not None
    ]


def step_name(turn: Turn) -> str:
    step = turn.step or {}
    named = {"planning": "planning", "max_steps": "last call, out of steps"}.get(step.get("kind"))
    return f"In smolagents: {named or 'step ' + str(step.get('step_number'))}" if step else "In smolagents"


def facts(turn: Turn) -> str:
    """Step, status, seconds and how the response ended, on one line."""
    known = [step_name(turn).removeprefix("In smolagents: ") if turn.step else "no step"]
    if turn.exchange:
        known.append(f"HTTP {turn.status}" if turn.status else "no response")
    if turn.seconds is not None:
        known.append(f"{turn.seconds:.1f} s")
    if turn.exchange and turn.exchange.streamed:
        known.append(f"streamed in {len(turn.exchange.chunks)} chunks")
    if turn.finish_reason:
        known.append(f"finished by {turn.finish_reason}")
    return " · ".join(known)


def short(turn: Turn) -> str:
    if turn.error:
        return "error"
    return "answer" if turn.is_final else "" if turn.step else "no step"


def tokens_shown(text: str) -> Markup:
    """Escaped, with special tokens set off from the text around them."""
    result, at = [], 0
    for match in SPECIAL.finditer(text):
        result += [escape(text[at : match.start()]), Markup('<span class="tok">{}</span>').format(match[0])]
        at = match.end()
    return Markup("").join([*result, escape(text[at:])])


def pretty(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def style() -> Markup:
    return Markup((files("course") / "templates" / "style.css").read_text(encoding="utf-8"))


def render(template: str, **values: Any) -> str:
    """A template of this package, autoescaped."""
    return _environment().get_template(template).render(style=style(), **values)


def _render(template: str, turns: list[Turn], **values: Any) -> str:
    widest = max((sum(n for _, n in parts(t)) for t in turns), default=0) or 1
    return render(template, turns=turns, widest=widest, **values)


def _summary(turns: list[Turn]) -> str:
    run = next((t.run for t in turns if t.run), None) or {}
    server = run.get("server") or {}
    said = [
        f"{len(turns)} turn{'' if len(turns) == 1 else 's'}",
        f"{sum(t.seconds or 0 for t in turns):.1f} s",
    ]
    said += [
        str(x)
        for x in (run.get("model"), server.get("build"), (run.get("when") or "")[:16].replace("T", " "))
        if x
    ]
    return " · ".join(said)


def _block(text: str, width: int, most: int) -> list[str]:
    """Indented, wrapped, and cut after `most` lines, which it says."""
    lines = []
    for line in text.strip("\n").splitlines():
        lines += textwrap.wrap(line, width - 4, replace_whitespace=False) or [""]
    cut = len(lines) - most
    if cut > 1:
        lines = [*lines[:most], f"… {cut} more lines (all of it:  course view TAPE)"]
    return ["    " + line.rstrip() for line in lines]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("course"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    filters = (text_of, size, is_long, beginning, parts, step_name, facts, short, tokens_shown, pretty)
    environment.filters |= {f.__name__: f for f in filters}
    return environment
