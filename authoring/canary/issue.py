"""Write down what the canary found, and keep one issue on GitHub up to date.

text = describe(found, worlds.changed, first, check, context)
path.write_text(text)
publish(path)      # opens the issue, or rewrites the open one; there is never a second one
"""

import json
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from authoring.canary.bisect import Culprit, Found, Verdict
from authoring.canary.checks import Check, Failure
from course.errors import CourseError

TITLE = "Canary: the newest packages break the course"
LABEL = "canary"
NAMED = 20  # failures that are listed
LONGEST_NAME = 200  # characters
EXCERPT = 20_000  # characters of a failure's output; GitHub takes 65,536 in all


@dataclass(frozen=True)
class Context:
    """Where it was seen: the commit (empty if there is none), Python and platform, and the seconds it all took.

    `options` are those of the canary that say which project was checked.
    """

    commit: str
    options: tuple[str, ...]
    python: str
    platform: str
    seconds: float


def describe(
    found: Found,
    changed: Mapping[str, tuple[str, str]],
    failures: Sequence[Failure],
    check: Check,
    context: Context,
    also: Mapping[str, tuple[str | None, str | None]] = {},
) -> str:
    """The issue in Markdown. `also` holds packages that are only in one of the two sets."""
    parts = [
        _summary(found, changed),
        _first(failures),
        _reproduce(found, failures, check, context),
        _difference(changed, also),
        f"The check ran {found.checks} times in {context.seconds / 60:.0f} minutes. "
        f"Python {context.python} on {context.platform}.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(found: Found, changed: Mapping[str, tuple[str, str]]) -> str:
    if found.verdict is Verdict.LOCK_FAILS:
        return "The check fails with the locked packages, too. No newer package is to blame: mend the course first."
    if found.verdict is Verdict.FLAKY:
        return (
            f"The check is flaky: it both passed and failed with the same packages ({found.doubt}). "
            "No package is named, because any name would be a guess."
        )
    if not found.culprits:
        return "The newest packages break the check, but no part of them could be found that does so alone."
    lines = [_culprit(culprit, changed) for culprit in found.culprits]
    if found.verdict is Verdict.GUILTY:
        many = len(found.culprits) > 1
        lines.append(
            "Verified, twice each: the locked packages with only "
            + ("one of these" if many else "this")
            + " changed fail, and the newest packages without "
            + ("all of these" if many else "it")
            + " pass."
        )
    else:
        lines.append(
            "Without them, the newest packages still do not pass: there is more to find after these."
        )
    return "\n\n".join(lines)


def _culprit(culprit: Culprit, changed: Mapping[str, tuple[str, str]]) -> str:
    text = "**Guilty:** " + _list(culprit.packages, changed)
    if len(culprit.packages) > 1:
        text += ", only together"
    if culprit.along:
        text += f". Upgraded with it because it must be: {_list(culprit.along, changed)}"
    return text


def _list(names: frozenset[str], changed: Mapping[str, tuple[str, str]]) -> str:
    return ", ".join(f"`{name}` {changed[name][0]} → {changed[name][1]}" for name in sorted(names))


def _first(failures: Sequence[Failure]) -> str:
    if not failures:
        return ""
    first = failures[0]
    shown = first.output or first.message
    if len(shown) > EXCERPT:
        shown = "…" + shown[-EXCERPT:]
    lines = [f"## First failure\n\n`{first.name[:LONGEST_NAME]}`", fenced(shown)]
    if others := failures[1:]:
        listed = "\n".join(f"- `{other.name[:LONGEST_NAME]}`" for other in others[:NAMED])
        lines.append(f"{len(others)} more:\n\n{listed}")
    return "\n\n".join(lines)


def _reproduce(found: Found, failures: Sequence[Failure], check: Check, context: Context) -> str:
    names = sorted(set().union(*(culprit.packages for culprit in found.culprits[:1])))
    command = [".venv/bin/python", "-m", "authoring", "canary", *context.options]
    command += check.narrowed(failures).options()
    if not names:
        command.append("--newest")
    command += [part for name in names for part in ("--only", name)]
    steps = [f"git checkout {context.commit}"] if context.commit else []
    steps += ["make test-ready build/tools/ready", shlex.join(command)]
    return "## Reproduce\n\n" + fenced("\n".join(steps), "sh")


def _difference(
    changed: Mapping[str, tuple[str, str]], also: Mapping[str, tuple[str | None, str | None]]
) -> str:
    rows = sorted({**changed, **also}.items())
    if not rows:
        return ""
    table = "\n".join(f"| {name} | {old or '–'} | {new or '–'} |" for name, (old, new) in rows)
    head = f"<details><summary>{len(rows)} packages differ from the lock</summary>"
    return f"{head}\n\n| package | locked | newest |\n|---|---|---|\n{table}\n\n</details>"


def fenced(text: str, language: str = "") -> str:
    """A block of Markdown that no text in it can end."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def publish(body: Path) -> str:
    """Open the issue with the text in this file, or rewrite the open one. Returns what was done."""
    if number := _open_number():
        _gh("issue", "edit", str(number), "--body-file", str(body))
        return f"rewrote issue {number}"
    _gh(
        "label",
        "create",
        LABEL,
        "--force",
        "--description",
        "Found by the nightly run on the newest packages",
    )
    return (
        "opened "
        + _gh("issue", "create", "--title", TITLE, "--label", LABEL, "--body-file", str(body)).strip()
    )


def settle() -> str:
    """The newest packages pass: close the issue if one is open."""
    if number := _open_number():
        _gh("issue", "close", str(number), "--comment", "The newest packages pass again.")
        return f"closed issue {number}"
    return "there is no open issue to close"


def _open_number() -> int | None:
    """The number of the open issue. Two runs at the same time could both open one; the workflow lets only one run."""
    listed = _gh(
        "issue", "list", "--state", "open", "--label", LABEL, "--limit", "50", "--json", "number,title"
    )
    return next((one["number"] for one in json.loads(listed) if one["title"] == TITLE), None)


def _gh(*arguments: str) -> str:
    try:
        done = subprocess.run(["gh", *arguments], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CourseError(
            "gh, GitHub's command line, is not installed, so no issue can be opened.\n"
            "Leave out --issue to print it only:  make canary"
        ) from None
    if done.returncode:
        raise CourseError(
            f"gh {' '.join(arguments[:2])} failed: {done.stderr.strip()}\nCheck the login:  gh auth status"
        )
    return done.stdout
