"""Understand why a server refused a request: the kind of fault, its numbers and names, and the bytes that say so. Pure.

Reads the status, the headers, the JSON and the request's address and JSON. How servers word their refusals is in
refusals.toml; what to say about them is in faults.toml. What no rule knows is a "request-refused" with the server's own
words. Quotes only what is in the recorded response.

    found = understand(seen)                      # None if the request was not refused
    found.kind, found.words["asked"], found.quotes[0].text
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urljoin, urlsplit

from course.diagnose import requested
from course.diagnose.finding import MOST, Quote, dig, quote, value
from course.diagnose.peers import MOST_BODY, Seen, own_base_url
from course.diagnose.texts import read
from course.turns.dialects.parts import LIMITS
from course.turns.exchange import path_of
from course.turns.values import Failure

ENDPOINT = r"/(?:chat/completions|completions?|responses|messages|api/chat|api/generate|chat|generate|embeddings|models)"
OLLAMA = ("/chat", "/generate")
"""Endpoints that a client of Ollama's own API adds to a base URL ending in /api."""
PARTS = re.compile(r"^(?:data|event):", re.MULTILINE)
"""What a stream of events looks like."""
PAGE = re.compile(r"\s*(?:<!doctype html|<html|<head)", re.IGNORECASE)
WAIT = re.compile(r"(?i)(?:try again|retry|wait)\D{0,20}?(?:(\d+)m)?(\d+(?:\.\d+)?)\s?(ms|s\b|sec)")
NEWER = ("/responses", "/messages")
"""Endpoints that servers of OpenAI's chat completions learned later, if at all."""
LIMIT_FIELDS = {"/responses": "max_output_tokens", "/api/chat": "num_predict", "/api/generate": "num_predict"}
"""What max_tokens is called in other APIs, by the end of the path. Ollama's is one of its `options`."""
ABOUT_A_MESSAGE = (
    "template-refused", "messages-refused", "arguments-refused", "images-refused", "thinking-not-returned",
)  # fmt: skip
REDIRECTS = range(300, 400)
BODILESS = (301, 302, 303)
"""After these, clients send GET without the body, so nothing asks the model. A 307 or 308 that is followed does no harm."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
LONGEST_PATH = 2048
"""Characters of an address. No API's is longer."""
MARGIN = 1024
"""Tokens to leave for the answer when a larger context is advised."""
UNTOLD = "…"
"""In the place of a number that the server's words do not tell: a guess could be less than what the server has now."""


@dataclass(frozen=True)
class Refusal:
    """A refusal of one kind. `words` are the names that its texts can use, `quotes` the proof."""

    kind: str
    words: Mapping[str, Any]
    quotes: tuple[Quote, ...]


@dataclass(frozen=True)
class _Words:
    """Something that the server said, and where: the path of a quote."""

    where: str
    text: str


@dataclass(frozen=True)
class _Rule:
    kind: str
    says: re.Pattern[str] | None
    type: re.Pattern[str] | None
    status: frozenset[int]
    json: bool | None
    fields: Mapping[str, str]
    words: Mapping[str, str]


def understand(seen: Seen) -> Refusal | None:
    """Why the request was refused. None if it was not: no HTTP error, and no error in the response."""
    failure = seen.failure
    if failure is None:
        is_page = isinstance(seen.response, str) and PAGE.match(seen.response)
        return _page(seen) if is_page or (seen.status in BODILESS and "location" in seen.headers) else None
    said = list(_said(seen, failure))
    code = _number(failure.code) or 0
    status = seen.status if seen.status >= 400 else code if 400 <= code < 600 else 0
    for rule in _rules():
        if (found := _fits(rule, seen, failure, said, status)) is not None:
            proof = [value("status", seen.status), *found.quotes]
            given = {
                "provider": dig(failure.record, "metadata", "provider_name"),
                **rule.words,
                **found.words,
            }
            given |= {
                name: failure.record.get(f) for name, f in rule.fields.items() if given.get(name) is None
            }
            if rule.kind == "parameter-refused":
                given["param"] = _parameter(given.get("param"), failure.record)
            words = _words(rule.kind, seen, {k: _plain(v) for k, v in given.items()}, status)
            return Refusal(rule.kind, words, tuple(proof))
    raise AssertionError("the last rule of refusals.toml fits everything")


def common(seen: Seen) -> dict[str, Any]:
    """Names that every text can use: where the request went, for which model, and what limits the answer there."""
    limit_field = _limit_field(seen)
    try:
        parts = urlsplit(seen.url)
        base = f"{parts.scheme}://{parts.netloc}"
        host = parts.hostname
    except ValueError:
        return {
            "limit_field": limit_field,
            "base": seen.url,
            "path": seen.url,
            "endpoint": "",
            "base_url": seen.url,
            "models_url": seen.url,
        }
    model = dig(seen.request, "model")
    return {
        "limit_field": limit_field,
        "base": base,
        "path": parts.path or "/",
        "host": host,
        "loopback": base if host in LOOPBACK else None,
        "model": model if isinstance(model, str) and model else None,
        **_addresses(base, parts.path),
    }


def _limit_field(seen: Seen) -> str:
    """The field that limits the tokens of an answer: the one that the request has, or else its API's own."""
    given = seen.request if isinstance(seen.request, dict) else {}
    path = path_of(seen.url)
    own = next((name for end, name in LIMIT_FIELDS.items() if path.endswith(end)), "max_tokens")
    return next((name for name in LIMITS if name in given), own)


def _addresses(base: str, path: str) -> dict[str, str]:
    """The base URL that a client of this API needs, without an endpoint, and with one /v1 (or the API's own prefix).

    A service with one address (peers.toml) has that one, whatever was asked.
    `root` is the address without a version, for clients that add it themselves. `endpoint` is what the client added.
    """
    prefix = path[:LONGEST_PATH].rstrip("/")
    endpoints = re.search(rf"(?:{ENDPOINT})+$", prefix)
    kept = prefix[: endpoints.start()] if endpoints else prefix
    kept = re.sub(r"(/v\d\w*)(?:/v\d\w*)+$", r"\1", kept)
    root = re.sub(r"/v\d\w*$", "", kept)
    named = kept if re.search(r"/v\d\w*(?:/openai)?$", kept) else f"{kept}/v1"
    last = re.search(rf"{ENDPOINT}$", prefix)
    endpoint = last[0] if last else "/chat/completions"
    if endpoint in OLLAMA and base.endswith(":11434") and kept in (root, f"{root}/v1"):
        api = f"{base}{root}/api"
        return {"base_url": api, "root": base + root, "models_url": f"{api}/tags", "endpoint": endpoint}
    if service := own_base_url(base):
        without = re.sub(r"/v\d\w*$", "", service)
        return {"base_url": service, "root": without, "models_url": f"{service}/models", "endpoint": endpoint}
    own = endpoint.startswith("/api/")
    return {
        "base_url": base + (root if own else named),
        "root": base + root,
        "models_url": base + (f"{root}/api/tags" if own else f"{named}/models"),
        "endpoint": endpoint,
    }


@cache
def _rules() -> tuple[_Rule, ...]:
    return tuple(
        _Rule(
            given["kind"],
            re.compile(given["says"], re.DOTALL) if "says" in given else None,
            re.compile(given["type"]) if "type" in given else None,
            frozenset(given.get("status", ())),
            given.get("json"),
            given.get("fields", {}),
            given.get("words", {}),
        )
        for given in read("refusals.toml")["refusal"]
    )


def _said(seen: Seen, failure: Failure) -> Iterator[_Words]:
    """The server's words: its message, and what a router passes on from the server behind it."""
    if failure.message:
        yield _Words(failure.where, failure.message)
    raw = dig(failure.record, "metadata", "raw")
    if isinstance(raw, str) and raw:
        yield _Words(f"{failure.where.rpartition('.')[0]}.metadata.raw", raw)


def _parameter(named: Any, record: Mapping[str, Any]) -> Any:
    """The field that the server means: its own path of it, what its words name, or where pydantic found it (`loc`)."""
    path = record.get("param")
    if named is None or (isinstance(path, str) and str(named) in path):
        named = path if isinstance(path, str) else named
    for place in (("detail",), ("message",), ("message", "detail")):
        loc = dig(record, *place, 0, "loc")
        if named is None and isinstance(loc, list):
            named = next((part for part in reversed(loc) if isinstance(part, str)), None)
    return named


def _fits(rule: _Rule, seen: Seen, failure: Failure, said: list[_Words], status: int) -> Refusal | None:
    """What the rule finds, if it fits: quotes, and the names in its pattern."""
    if rule.status and status not in rule.status:
        return None
    if rule.json is not None and rule.json != isinstance(seen.response, dict | list):
        return None
    if rule.type:
        types = [failure.type, failure.code, failure.record.get("status"), failure.record.get("error_type")]
        if not any(isinstance(t, str) and rule.type.search(t) for t in types):
            return None
    if not rule.says:
        return Refusal(rule.kind, {}, tuple(_quote(words, None) for words in said[:1]))
    for words in said:
        if match := rule.says.search(words.text[:MOST_BODY]):
            given = {k.rstrip("0123456789"): v for k, v in match.groupdict().items() if v is not None}
            return Refusal(rule.kind, given, (_quote(words, match),))
    return None


def _quote(words: _Words, match: re.Match[str] | None) -> Quote:
    """The whole text if it is short, else from where the rule fits."""
    if match is None or len(words.text) <= MOST or not match.group():
        return quote(words.where, words.text)
    return quote(words.where, words.text, min(match.start(), max(0, len(words.text) - MOST)))


def _page(seen: Seen) -> Refusal:
    """A web page came, as if the request had been answered; or a redirect, with a page or without."""
    proof = [value("status", seen.status)] if seen.status in REDIRECTS else []
    proof += [quote("raw_response", seen.body)] if seen.body else []
    return Refusal("not-an-api", _words("not-an-api", seen, _redirect(seen), seen.status), tuple(proof))


def _redirect(seen: Seen) -> dict[str, Any]:
    """Where a redirect leads, without its query, which may hold a secret; and the base URL there, if it is the same API."""
    if seen.status not in REDIRECTS or "location" not in seen.headers:
        return {}
    try:
        to = urlsplit(urljoin(seen.url, seen.headers["location"]))
        asked = _addresses("", urlsplit(seen.url).path)["endpoint"]
    except ValueError:
        return {}
    base = f"{to.scheme}://{to.netloc.rpartition('@')[2]}"
    bodiless = seen.status if seen.status in BODILESS else None
    said = {"location": f"{base}{to.path}"[:LONGEST_PATH], "bodiless": bodiless}
    there = _addresses(base, to.path)
    is_same = to.path.rstrip("/").endswith(asked)
    return {"case": "redirect", **said, **there} if is_same else {"case": "elsewhere", **said}


def _words(kind: str, seen: Seen, given: dict[str, Any], status: int) -> dict[str, Any]:
    """All names for the texts of this kind: common ones, those that were matched, and those derived from the request."""
    words = {**common(seen), "status": status or None, **{k: v for k, v in given.items() if v is not None}}
    words.setdefault("name", words.get("model"))
    words["midway"] = seen.status if seen.status == 200 and PARTS.search(seen.body) else None
    if kind == "context-overflow":
        words |= _sizes(words, seen)
    elif kind in ("rate-limited", "busy", "no-credit"):
        words["wait"] = _wait(seen)
    elif kind in ABOUT_A_MESSAGE:
        words |= requested.offending(kind, seen.request, words)
    elif kind == "grammar-rejected":
        words |= requested.schemas(seen.request)
    elif kind == "wrong-path":
        words["twice"] = _twice(str(words.get("path") or ""))
        words["newer"] = words["endpoint"] if words["endpoint"] in NEWER and not words["twice"] else None
        is_ollamas = words["endpoint"] in OLLAMA and str(words["base_url"]).endswith("/api")
        words["case"] = "ollama" if is_ollamas else None
    elif kind == "too-large":
        words["kilobytes"] = max(1, len(json.dumps(seen.request)) // 1000) if seen.request else None
    elif kind == "request-refused":
        words |= {
            "missing": words["path"] if status == 404 else None,
            "forbidden": "this" if status == 403 else None,
        }
    if kind == "parameter-refused" and isinstance(words.get("param"), str):
        words["given"] = _short(dig(seen.request, words["param"]))
        words["unreasoned"] = words["param"] if words["param"] in ("max_tokens", "temperature") else None
    if kind in ("parameter-refused", "no-credit"):
        words["limit"] = words.get("most")
    return words


def _sizes(words: Mapping[str, Any], seen: Seen) -> dict[str, Any]:
    """Numbers that follow from those in the message: what is left for the answer, and which context would do."""
    asked, room, prompt = (_number(words.get(k)) for k in ("asked", "room", "prompt"))
    reserve, over = _number(words.get("reserve")), _number(words.get("over"))
    left = room - prompt if room and prompt and prompt < room and (reserve or 0) + prompt > room else None
    wanted = asked or (room + (over or room) if room else None)
    more = 1 << (min(wanted + MARGIN, 1 << 40) - 1).bit_length() if wanted else UNTOLD
    resent = None if left else "all earlier ones"
    return {"limit": left, "fits": left, "more": more, "larger": None if left else more, "resent": resent}


def _wait(seen: Seen) -> str | None:
    """How long to wait, in seconds, as the server said it: in Retry-After, or in its message."""
    header = seen.headers.get("retry-after", "")
    if re.fullmatch(r"\d{1,6}(?:\.\d+)?", header):
        return header
    if found := WAIT.search(seen.body[:MOST_BODY]):
        minutes, amount, unit = found.groups()
        seconds = float(amount) / 1000 if unit == "ms" else 60 * int(minutes or 0) + float(amount)
        return f"{round(seconds, 3):g}"
    return None


def _twice(path: str) -> str | None:
    """The part of an address that comes twice: /v1/v1, or an endpoint that is already in the base URL."""
    found = re.search(r"(/v\d\w*|/chat/completions|/completions|/messages|/responses)\1", path[:LONGEST_PATH])
    return found[0] if found else None


def _number(given: Any) -> int | None:
    if isinstance(given, bool):
        return None
    if isinstance(given, str):
        return int(given) if re.fullmatch(r"\d{1,12}", given) else None
    return given if isinstance(given, int) and abs(given) < 10**12 else None


def _plain(given: Any) -> Any:
    """A number or a short text from the wire; None for anything else."""
    if isinstance(given, str):
        return given[:MOST].strip() or None
    return _number(given)


def _short(given: Any) -> str | None:
    return None if given is None else json.dumps(given, ensure_ascii=False)[:60]
