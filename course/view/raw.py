"""The raw bodies of a tape, each text stored once, and a request as a `curl` command. Pure.

Does: says of each body what it shares with one before it, at its beginning and its end (an agent sends its whole
conversation with every request), so that a page of a long run stays small and gives back every character.
Does not: look inside the JSON; put credentials in: a key that was redacted becomes "$API_KEY".
"""

import json
import shlex
from dataclasses import dataclass
from typing import Any

from course.turns.exchange import Exchange
from course.turns.turn import Turn

LOOK_BACK = 4  # agents that call each other take turns: their bodies alternate
LEAVE_OUT = {"host", "content-length", "connection", "accept", "accept-encoding", "user-agent", "cookie"}


@dataclass(frozen=True)
class Delta:
    """`text` between the first `start` and the last `end` characters of the text at index `base` of the list."""

    base: int | None
    start: int
    end: int
    text: str

    def restore(self, texts: list[str]) -> str:
        if self.base is None:
            return self.text
        base = texts[self.base]
        return base[: self.start] + self.text + base[len(base) - self.end :]


def deltas(texts: list[str]) -> list[Delta]:
    """Each text by what it adds to one of those before it."""
    result: list[Delta] = []
    for n, text in enumerate(texts):
        found = [Delta(None, 0, 0, text)]
        found += [_against(b, texts[b], text) for b in range(max(0, n - LOOK_BACK), n)]
        result.append(min(found, key=lambda d: len(d.text)))
    return result


def packed(delta: Delta, texts: list[str]) -> dict[str, Any]:
    """The same for JavaScript, which counts in UTF-16 units."""
    if delta.base is None:
        return {"text": delta.text}
    base = texts[delta.base]
    start, end = _units(base[: delta.start]), _units(base[len(base) - delta.end :])
    return {"base": delta.base, "start": start, "end": end, "text": delta.text}


def script_json(value: Any) -> str:
    """JSON that can stand in a <script> element: nothing in it ends the element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def curl(exchange: Exchange) -> str:
    """A shell command that sends the same request again."""
    head, mark = curl_head(exchange), end_mark(exchange.raw_request)
    return (
        f"{head} --data-binary @- <<'{mark}'\n{exchange.raw_request}\n{mark}"
        if exchange.raw_request
        else head
    )


def curl_head(exchange: Exchange) -> str:
    """The command without the body."""
    words = ["curl", "-sS", *(["-N"] if exchange.streamed else []), shlex.quote(exchange.url)]
    if exchange.method != ("POST" if exchange.raw_request else "GET"):
        words += ["-X", shlex.quote(exchange.method)]
    for name, value in exchange.request_headers.items():
        if name.lower() == "authorization":
            words += ["-H", '"Authorization: Bearer $API_KEY"']
        elif value == "REDACTED" and name.lower() not in LEAVE_OUT:
            words += ["-H", shlex.quote(f"{name}: ") + '"$API_KEY"']
        elif name.lower() not in LEAVE_OUT and not name.lower().startswith("x-stainless"):
            words += ["-H", shlex.quote(f"{name}: {value}")]
    return " ".join(words)


def end_mark(body: str) -> str:
    """A line that is none of the body's, to end it in the shell."""
    mark = "END_OF_REQUEST"
    while mark in body:
        mark += "_"
    return mark


def blocks(turns: list[Turn]) -> list[dict[str, Any]]:
    """For each turn what its raw bodies add to those before: for the script of the page."""
    requests = [t.exchange.raw_request if t.exchange else "" for t in turns]
    prompts = [t.prompt or "" for t in turns]
    rows = zip(turns, deltas(requests), deltas(prompts), strict=True)
    return [_block_of(t, packed(r, requests), packed(p, prompts)) for t, r, p in rows]


def _block_of(turn: Turn, request: dict, prompt: dict) -> dict[str, Any]:
    if turn.exchange is None:
        return {"request": {"text": ""}, "prompt": {"text": ""}}
    response: dict[str, str] = {"text": turn.exchange.raw_response}
    if turn.prompt:  # the response quotes it
        before, quoted, after = turn.exchange.raw_response.partition(
            json.dumps(turn.prompt, ensure_ascii=False)
        )
        response = {"before": before, "after": after} if quoted else response
    mark = end_mark(turn.exchange.raw_request) if turn.exchange.raw_request else ""
    head = curl_head(turn.exchange)
    return {"request": request, "response": response, "prompt": prompt, "head": head, "mark": mark}


def _against(at: int, base: str, text: str) -> Delta:
    start = _common(base, text)
    a, b = base[start:], text[start:]
    end = _common(a, b, from_end=True)
    return Delta(at, start, end, b[: len(b) - end])


def _common(a: str, b: str, from_end: bool = False) -> int:
    """How many characters they share at the beginning, by halving; comparing slices is quick."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        part = slice(-middle, -low or None) if from_end else slice(low, middle)
        low, high = (middle, high) if a[part] == b[part] else (low, middle - 1)
    return low


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
