"""The kinds of fault that a diagnosis knows, and what it says about one: its title, why it happens, what to do next. Pure.

The texts are data (faults.toml), with causes before their consequences. Which wording is used depends on what was found,
and on the server, the gateway and the client of that turn: nobody is told to change a program that they do not run.
wirefaults.py, textfaults.py and stepfaults.py find the faults.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from course.diagnose.finding import Finding, Found, Quote
from course.diagnose.peers import Peers
from course.diagnose.texts import Text, compose, names, read
from course.turns import Turn


@dataclass(frozen=True)
class Fault:
    """A kind of fault. `at` has what is said instead, by name of the server, gateway, client or language.

    `case` has what is said instead of all of these, by the name of a variety that the detector knows (its word `case`).
    `question` is the place of the question that it answers with no, in the order of lesson 12 (see docs/faults.md).
    A `remark` is worth knowing, but not a fault. `client` is the only client on whose tapes it is found; None for any.
    """

    kind: str
    title: str
    question: int
    why: Text
    next: Text
    at: Mapping[str, Mapping[str, Text]] = field(default_factory=dict)
    case: Mapping[str, Mapping[str, Text]] = field(default_factory=dict)
    remark: bool = False
    client: str | None = None


@cache
def kinds() -> Mapping[str, Fault]:
    """All kinds by name, in the order in which the findings of a turn are listed."""
    return {kind: Fault(kind=kind, **given) for kind, given in read("faults.toml").items()}


@cache
def order() -> Mapping[str, int]:
    return {kind: place for place, kind in enumerate(kinds())}


def found(kind: str, turn: Turn, *evidence: Quote | None, **words: Any) -> Found:
    """A fault of this kind in this turn, with the evidence that is not None. `words` are names that its texts can use."""
    if kind not in kinds():
        raise KeyError(f"faults.toml has no fault {kind!r}")
    if (case := words.get("case")) and case not in kinds()[kind].case:
        raise KeyError(f"faults.toml has no case {case!r} of {kind!r}")
    return Found(kind, turn.run_number, turn.number, tuple(quote for quote in evidence if quote), words)


def explain(fault: Found, who: Peers, common: Mapping[str, Any] | None = None) -> Finding:
    """The fault in words that speak to this server and this client. `common` are names that do not depend on the fault."""
    known = kinds()[fault.kind]
    titles = {"server": who.server, "gateway": who.gateway, "client": who.client}
    words: dict[str, Any] = {name: peer.title for name, peer in titles.items() if peer}
    words |= {**(common or {}), **fault.words}
    words |= {f"how_{name}": compose([[how]], words) or None for name, how in who.how.items()}
    words["at_the_tap"] = None if who.course else _at_the_tap(who, words)
    own = [known.at[name] for name in who.names if name in known.at]
    own = [known.case[words["case"]], *own] if words.get("case") else own
    why = compose(next((t["why"] for t in own if "why" in t), known.why), words)
    for said in (compose(t["also"], words) for t in own if "also" in t):
        why += f" {said}" if said and said not in why else ""
    then = compose(next((t["next"] for t in own if "next" in t), known.next), words)
    return Finding(fault.kind, known.title, fault.run, fault.turn, fault.evidence, why, then, known.remark)


def _at_the_tap(who: Peers, words: Mapping[str, Any]) -> str | None:
    """The base URL for a client behind `course tap`, in words: the tap's address takes the place of the server's."""
    used = names(who.how.get("base_url", ""))
    try:
        path = urlsplit(str(words["root" if "root" in used else "base_url"])).path
    except (KeyError, ValueError):
        return None
    path += str(words.get("endpoint") or "") if "endpoint" in used else ""
    return f"with the path {path}" if path else "without a path"
