"""The outcomes of the hostile suite as Markdown: a paragraph for README.md, the threat model and table of docker/README.md.

Pure, except for reading the committed outcomes. suite.py judges; `python -m authoring docs` writes the pages.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from authoring.generated import spliced
from hostile.suite import NAMES, OUTCOMES, WAYS, Attempt, load

BEGIN, END = "<!-- hostile: written by python -m authoring docs -->", "<!-- hostile: end -->"


def counts(outcomes: Mapping[str, Mapping[str, Any]]) -> dict[str, int]:
    """How many attempts got through, for each way."""
    return {way: sum(ways[way]["through"] for ways in outcomes.values() if way in ways) for way in WAYS}


def table(attempts: Iterable[Attempt], outcomes: Mapping[str, Mapping[str, Any]]) -> str:
    """A table: for each attempt, the layer that stopped it each way."""
    lines = [f"| attempt | {' | '.join(NAMES[way] for way in WAYS)} |", "|---|---|---|---|"]
    for attempt in attempts:
        ways = outcomes.get(attempt.slug, {})
        cells = [cell(ways[way]) if way in ways else "not run" for way in WAYS]
        lines.append(f"| {attempt.title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(outcome: Mapping[str, Any]) -> str:
    return "**through**" if outcome["through"] else str(outcome["by"])


def model(attempts: Iterable[Attempt], outcomes: Mapping[str, Mapping[str, Any]]) -> str:
    """For each way, the attempts that get through, with the reason why that is accepted or what prevents it."""
    attempts = list(attempts)
    parts = []
    for way in ("socket", "host", "executor"):
        named = [a for a in attempts if outcomes.get(a.slug, {}).get(way, {}).get("through")]
        parts.append(f"### {NAMES[way].capitalize()}: {len(named)} of {len(attempts)} get through\n")
        parts += [f"- **{a.title}**: {outcomes[a.slug][way]['by']}" for a in named]
        parts.append("")
    return "\n".join(parts).strip()


def section(attempts: Iterable[Attempt], outcomes: Mapping[str, Mapping[str, Any]]) -> str:
    """The generated part of docker/README.md."""
    attempts = list(attempts)
    return f"{model(attempts, outcomes)}\n\n### All attempts\n\n{table(attempts, outcomes)}"


def put(readme: str, generated: str) -> str:
    """docker/README.md with its generated part replaced."""
    return spliced(readme, BEGIN, END, generated)


def paragraph(attempts: Iterable[Attempt], outcomes: Mapping[str, Mapping[str, Any]]) -> str:
    """For README.md: how many attempts there are, how many get through each way, and what those are."""
    attempts, through = list(attempts), counts(outcomes)
    executor, host, socket = ({a.slug for a in attempts if outcomes[a.slug][way]["through"]} for way in WAYS)
    secrets = [a for a in attempts if a.proof[0] == "canary" and a.slug in executor]
    loopback = {a.slug for a in attempts if a.slug.startswith("net_loopback")}
    outside = [a for a in attempts if a.proof[0] != "printed" and a.slug in socket]
    share = "all" if loopback <= host else f"{len(loopback & host)} of the"
    return (
        f"Of {len(attempts)} hostile programs, {through['executor']} get through smolagents' `LocalPythonExecutor` alone, "
        f"and {len(secrets)} of those read a secret. In a container, most run as plain Python, as if they had already "
        f"escaped the executor. On the host's network, the blog post's choice, {through['host']} get through, including "
        f"{share} {len(loopback)} that reach for services on the host's loopback. With only a Unix socket to the model's "
        f"server, the default, {through['socket']} do: {len(outside)} talk to that server without being recorded, and the "
        "rest neither read a secret nor change anything outside the container."
    )


def committed() -> tuple[list[Attempt], dict[str, Any]]:
    """The programs, and the outcomes of the last run of the whole suite."""
    return load(), json.loads(OUTCOMES.read_text(encoding="utf-8"))["outcomes"]
