"""The raw bodies of a tape, each text stored once, and a request as a `curl` command.

Pure. An agent sends its whole conversation with every request, so each body is stored as what it adds to an earlier one.
The page of a long run stays small that way, and still gives back every character. The JSON itself is not parsed.
Credentials stay out: a redacted key becomes "$API_KEY".
"""

import json
import re
import shlex
from dataclasses import dataclass
from typing import Any

from course.turns.exchange import Exchange
from course.turns.turn import Turn

BRACKET = re.compile(r"[\[\]{}]")
MARK = re.compile(r"END_OF_REQUEST(_*)")
LOOK_BACK = 4  # agents that call each other alternate, so the body to compare with may be several earlier
PROBE, NEAR = 64, 512
"""After a change, this many equal characters within this many are the same text again."""
LEAVE_OUT = {
    "host",
    "content-length",
    "content-encoding",
    "connection",
    "accept",
    "accept-encoding",
    "user-agent",
    "cookie",
}


@dataclass(frozen=True)
class Delta:
    """A text: the first `start` characters of another one, then `text`, then the last `end` characters of the other.

    `base` is the number of the other text, or a delta of its own: a date that changes at the beginning of each request,
    and what each adds at its end, are two changes. If it is None, `text` is the whole text.
    """

    base: "int | Delta | None"
    start: int
    end: int
    text: str

    def restore(self, texts: list[str]) -> str:
        """The whole text, given the texts before it."""
        if self.base is None:
            return self.text
        base = self.base.restore(texts) if isinstance(self.base, Delta) else texts[self.base]
        return base[: self.start] + self.text + base[len(base) - self.end :]

    @property
    def size(self) -> int:
        """The characters that are stored."""
        return len(self.text) + (self.base.size if isinstance(self.base, Delta) else 0)


def deltas(texts: list[str], twice: bool = False) -> list[Delta]:
    """Each text as what it adds to one of the few before it, whichever leaves the least. With `twice`, at two places."""
    result: list[Delta] = []
    for n, text in enumerate(texts):
        found = [Delta(None, 0, 0, text)]
        found += [_against(b, texts[b], text) for b in range(max(0, n - LOOK_BACK), n)]
        if twice:
            found += [d for b in range(max(0, n - LOOK_BACK), n) if (d := _at_two_places(b, texts[b], text))]
        result.append(min(found, key=lambda d: d.size))
    return result


def packed(delta: Delta, texts: list[str]) -> dict[str, Any]:
    """A delta as plain data for JavaScript, which counts in UTF-16 units."""
    if delta.base is None:
        return {"text": delta.text}
    inner = delta.base if isinstance(delta.base, Delta) else None
    base = inner.restore(texts) if inner else texts[delta.base]  # type: ignore[index]  # a number, if not a delta
    start, end = _units(base[: delta.start]), _units(base[len(base) - delta.end :])
    named = packed(inner, texts) if inner else delta.base
    return {"base": named, "start": start, "end": end, "text": delta.text}


def script_json(value: Any) -> str:
    """JSON for a <script> element: nothing in it can end the element."""
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
    words = ["curl", "-sS", *(["-N"] if exchange.streamed else [])]
    if BRACKET.search(exchange.url):  # curl would ask many addresses for [1-9] or {a,b}
        words.append("-g")
    if exchange.url.startswith("-"):  # curl would take it for an option
        words.append("--url")
    words += [shlex.quote(exchange.url)]
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
    """A word that is not in the body, to end the shell's here-document."""
    longest = max((len(found[1]) for found in MARK.finditer(body)), default=-1)
    return "END_OF_REQUEST" + "_" * (longest + 1)


def blocks(turns: list[Turn]) -> list[dict[str, Any]]:
    """For the page's script: what each turn's raw bodies add to earlier ones."""
    requests = [t.exchange.raw_request if t.exchange else "" for t in turns]
    prompts = [t.prompt or "" for t in turns]
    rows = zip(turns, deltas(requests, twice=True), deltas(prompts), strict=True)
    return [_block_of(t, packed(r, requests), packed(p, prompts)) for t, r, p in rows]


def _block_of(turn: Turn, request: dict[str, Any], prompt: dict[str, Any]) -> dict[str, Any]:
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


def _at_two_places(at: int, base: str, text: str) -> Delta | None:
    """The same, if the texts agree again soon after their first difference."""
    start = _common(base, text)
    for skipped in range(NEAR):
        probe = base[start + skipped : start + skipped + PROBE]
        if len(probe) < PROBE:
            return None
        again = text.find(probe, start, start + NEAR + PROBE)
        if again >= 0:
            first = Delta(at, start, len(base) - start - skipped, text[start:again])
            changed = base[:start] + first.text + base[start + skipped :]
            rest = _against(0, changed, text)
            return Delta(first, rest.start, rest.end, rest.text)
    return None


def _common(a: str, b: str, from_end: bool = False) -> int:
    """How many characters two texts share at one end: a binary search, because comparing slices is fast."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        part = slice(-middle, -low or None) if from_end else slice(low, middle)
        low, high = (middle, high) if a[part] == b[part] else (low, middle - 1)
    return low


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
