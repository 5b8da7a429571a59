"""Recognize who is at the two ends of an exchange: the server, a gateway in front of it, and the client. Pure.

Reads headers, addresses and JSON, looking for the signs that peers.toml lists. A peer is named only if the bytes prove
it, or if several hints point to it and to nobody else; the signs are kept, so that a reader can check. What the bytes do
not tell stays None. Never asks a server anything.

    who = recognize([Seen(url, status, sent, headers, request, response, body)])
    who.server.title, who.server.sure, who.server.signs[0]     # "vLLM", "certain", Sign("error.message", "The model `x` …")
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from course.diagnose.texts import read
from course.turns.values import Failure

MOST_BODY = 4000
"""How much of a body is searched, in characters. An error page is shorter."""
MOST_SIGN = 80
"""How much of what matched is kept, in characters."""
ITEMS = 20
"""How many items of a list are looked at, such as the models of /v1/models."""


@dataclass(frozen=True)
class Seen:
    """What one exchange shows of its ends.

    Header names are in lower case. `request` and `response` are parsed JSON, or the text if they are not JSON. `failure` is
    the error in the response.
    """

    url: str = ""
    status: int = 0
    sent: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    request: Any = None
    response: Any = None
    body: str = ""
    failure: Failure | None = None


@dataclass(frozen=True)
class Sign:
    """Bytes that point to a peer, and where they are."""

    where: str
    text: str


@dataclass(frozen=True)
class Peer:
    """One end. `sure` is "certain" (a proof) or "likely" (several hints that fit nobody else as well).

    `settings` is the table under `language` with the settings that `how` does not have.
    """

    name: str
    title: str
    sure: str
    signs: tuple[Sign, ...]
    language: str | None = None
    how: Mapping[str, str] = field(default_factory=dict)
    settings: str | None = None


@dataclass(frozen=True)
class Peers:
    """Both ends, as far as they are known. `how` says how this client sets its base URL, key, model and the like.

    `course` is set if the course's own agent made the requests, so that the course's commands can be advised.
    """

    server: Peer | None = None
    gateway: Peer | None = None
    client: Peer | None = None
    language: str | None = None
    how: Mapping[str, str] = field(default_factory=dict)
    course: bool = False

    @property
    def names(self) -> list[str]:
        """All that a text may be written for, the most specific first."""
        found = [p.name for p in (self.client, self.server, self.gateway) if p]
        return [*(["course"] if self.course else []), *found, *([self.language] if self.language else [])]


def recognize(seen: Iterable[Seen], course: bool = False) -> Peers:
    """The peers of exchanges that one client had with one address."""
    exchanges = list(seen)
    tables = _tables()
    server, gateway, client = (_best(tables[k], exchanges) for k in ("server", "gateway", "client"))
    spoken = client.language if client else None
    if spoken is None and (found := _best(tables["language"], exchanges)):
        spoken = found.name
    settings = client.settings if client else spoken
    how = dict(_how())
    for table in tables["language"]:
        how |= table.how if table.name == settings else {}
    return Peers(server, gateway, client, spoken, how | dict(client.how if client else {}), course)


def own_base_url(url: str) -> str | None:
    """The base URL of the service with this address. None if it is not one that has a single address."""
    try:
        host = urlsplit(url).netloc
    except ValueError:
        return None
    return _own_base_urls().get(host)


@cache
def _own_base_urls() -> Mapping[str, str]:
    given = (table.get("base_url") for table in read("peers.toml")["server"])
    return {urlsplit(url).netloc: url for url in given if url}


@dataclass(frozen=True)
class _Table:
    name: str
    title: str
    proof: tuple[tuple[str, re.Pattern[str]], ...]
    hint: tuple[tuple[str, re.Pattern[str]], ...]
    language: str | None
    how: Mapping[str, str]
    settings: str | None


@cache
def _tables() -> dict[str, list[_Table]]:
    given = read("peers.toml")
    return {kind: [_table(t) for t in given[kind]] for kind in ("server", "gateway", "client", "language")}


@cache
def _how() -> Mapping[str, str]:
    how: Mapping[str, str] = read("peers.toml")["how"]
    return how


def _table(given: dict[str, Any]) -> _Table:
    proof, hint = (tuple((w, re.compile(p)) for w, p in given.get(k, ())) for k in ("proof", "hint"))
    title, spoken = given.get("title", given["name"]), given.get("language")
    how, settings = given.get("how", {}), given.get("settings", spoken)
    return _Table(given["name"], title, proof, hint, spoken, how, settings)


def _best(tables: list[_Table], exchanges: list[Seen]) -> Peer | None:
    """The first that is proved, else the one with the most hints, if they are two or more and nobody has as many."""
    for table in tables:
        if signs := _signs(table.proof, exchanges):
            return _peer(table, "certain", signs)
    ranked = sorted(((len(s := _signs(t.hint, exchanges)), s, t) for t in tables), key=lambda r: -r[0])
    (most, signs, table), *others = ranked
    if most < 2 or (others and others[0][0] == most):
        return None
    return _peer(table, "likely", signs)


def _peer(table: _Table, sure: str, signs: tuple[Sign, ...]) -> Peer:
    return Peer(table.name, table.title, sure, signs, table.language, table.how, table.settings)


def _signs(signs: tuple[tuple[str, re.Pattern[str]], ...], exchanges: list[Seen]) -> tuple[Sign, ...]:
    """At most one sign for each place, so that two hints are independent."""
    found: dict[str, Sign] = {}
    for where, pattern in signs:
        if where not in found:
            texts = (text for seen in exchanges for text in _look(where, seen))
            if match := next((m for m in map(pattern.search, texts) if m), None):
                at = match.start() if match.group() else 0
                found[where] = Sign(where.replace(" ", "."), match.string[at : at + MOST_SIGN])
    return tuple(found.values())


def _look(where: str, seen: Seen) -> Iterator[str]:
    """The texts at a place of an exchange; none if there is nothing."""
    place, _, name = where.partition(" ")
    if place in ("header", "sent"):
        headers = seen.headers if place == "header" else seen.sent
        yield from (headers[name],) if name in headers else ()
    elif place == "body":
        yield seen.body[:MOST_BODY]
    elif place == "error":
        if seen.failure is None:
            return
        known = {"message": seen.failure.message, "type": seen.failure.type}
        yield from _texts(known[name] if name in known else seen.failure.record.get(name))
    elif place in ("request", "response"):
        yield from _at(seen.request if place == "request" else seen.response, name.split("."))
    else:
        yield from _address(place, seen.url)


def _at(value: Any, path: list[str]) -> Iterator[str]:
    """The texts at a path in JSON. A list on the way, or at its end, counts as its first items."""
    if isinstance(value, list):
        for item in value[:ITEMS]:
            yield from _at(item, path)
    elif not path:
        yield from _texts(value)
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _texts(value: Any) -> Iterator[str]:
    """A value as a text to match; "" for an object, which is enough for a sign that only asks whether it is there."""
    if isinstance(value, str | int | float):
        yield str(value)[:MOST_BODY]
    elif value is not None:
        yield ""


def _address(place: str, url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        found = {"host": parts.hostname, "port": parts.port, "path": parts.path.rstrip("/")}[place]
    except ValueError:  # a port that is not a number, an address in brackets that is not IPv6
        return
    if found is not None:
        yield str(found)
