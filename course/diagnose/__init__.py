"""Name what went wrong in a run: findings made from its turns, each with its proof and what to do next.

Pure. Runs the detectors (outcomefaults.py, wirefaults.py, prefixfaults.py, textfaults.py, toolfaults.py, toolloops.py,
stepfaults.py) over turns, and words the result for the console. Only what the tape proves is a finding. A run without
findings may still have a wrong answer, and exchanges that could not be understood are named.

    for finding in diagnose(turns(Tape.read("tapes/….tape.jsonl").records())):
        print(finding.title, finding.next)
"""

import shlex
import textwrap
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from course.diagnose import (
    outcomefaults,
    prefixfaults,
    stepfaults,
    textfaults,
    toolfaults,
    toolloops,
    wirefaults,
)
from course.diagnose.ends import Ends
from course.diagnose.faults import explain, kinds, order
from course.diagnose.finding import Finding, Quote
from course.diagnose.texts import commands
from course.turns import Turn

__all__ = ["Finding", "Quote", "diagnose", "kinds", "record", "text"]


MOST_LISTED = 10


def diagnose(turns: Iterable[Turn]) -> list[Finding]:
    """All findings, by turn. Within a turn, causes come before their consequences."""
    turns = list(turns)
    found = [*wirefaults.unanswered(turns), *prefixfaults.faults(turns)]
    found += [*textfaults.not_opened(turns), *stepfaults.repeated(turns)]
    found += toolloops.faults(turns)
    for turn in turns:
        for look in (outcomefaults, textfaults, toolfaults, stepfaults):
            found += look.in_turn(turn)
    places, ends = order(), Ends(turns)
    found.sort(key=lambda fault: (fault.run, fault.turn, places[fault.kind]))
    return [explain(f, ends.of(f.run, f.turn), ends.words(f.run, f.turn)) for f in found]


def record(finding: Finding) -> dict[str, Any]:
    """A finding as plain data, for JSON."""
    return asdict(finding)


def text(findings: list[Finding], turns: list[Turn], width: int = 100, tape: str = "TAPE") -> str:
    """The findings as text for the console, or what was checked if there are none.

    An explanation that fits several findings is printed once. `tape` is the path to put into the commands to run next.
    """
    faults = [finding for finding in findings if not finding.remark]
    if faults:
        different = len({f.kind for f in faults})
        total = f"{_count(len(faults), 'finding')} of {_count(different, 'kind')} in {_looked_at(turns)}"
    else:
        judged = [turn for turn in turns if turn.outcome is None or turn.outcome.understood]
        stepped = any(turn.step for turn in turns)
        checked = sum(not fault.remark and (stepped or not fault.client) for fault in kinds().values())
        total = f"no faults found in {_looked_at(judged)}; checked for {checked} kinds of fault"
        total = total if judged else "nothing was judged"
    labels = {(turn.run_number, turn.number): turn.label for turn in turns}
    lines: list[str] = []
    explained: dict[str, tuple[tuple[str, str], str]] = {}
    for finding in findings:
        label = labels[finding.run, finding.turn]
        named = f"{'remark: ' if finding.remark else ''}{finding.title} ({finding.kind})"
        lines.append(f"── {label.capitalize()} · {named} ".ljust(width, "─"))
        for quote in finding.evidence:
            one = f"   {quote.where}: {quote.text!r}"
            lines += [one] if len(one) <= width else [f"   {quote.where}:", f"      {quote.text!r}"]
        said = (finding.why, finding.next)
        before = explained.get(finding.kind)
        if before and before[0] == said:
            lines.append(f"   same reason and next step as in {before[1]}")
        else:
            explained.setdefault(finding.kind, (said, label))
            lines += _wrapped("   why:  ", finding.why, width) + _next(
                finding.next.replace("TAPE", shlex.quote(tape)), width
            )
        lines.append("")
    whole = "\n".join([*lines, total, *_not_judged(turns, width)])
    return whole.encode("utf-8", "backslashreplace").decode("utf-8")  # a lone surrogate cannot be printed


def _not_judged(turns: list[Turn], width: int) -> list[str]:
    """The exchanges that could not be understood, by the reason why."""
    why: dict[str, list[str]] = {}
    for turn in turns:
        if turn.outcome is not None and not turn.outcome.understood:
            why.setdefault(str(turn.outcome), []).append(turn.label)
    lines: list[str] = []
    for reason, labels in list(why.items())[:MOST_LISTED]:
        listed = ", ".join(labels[:MOST_LISTED])
        rest = len(labels) - MOST_LISTED
        lines += _wrapped(
            "not judged: ", f"{listed}{f' and {rest} more' if rest > 0 else ''}: {reason}", width
        )
    if len(why) > MOST_LISTED:
        lines.append(f"not judged: turns for {len(why) - MOST_LISTED} more reasons")
    return lines


def _next(said: str, width: int) -> list[str]:
    """What to do next. A command follows two or more spaces (see faults.toml), and gets a line of its own."""
    (_, first), *rest = commands(said)
    lines = _wrapped("   next: ", first, width)
    for is_command, part in rest:
        lines += [" " * 13 + part] if is_command else _wrapped(" " * 9, part, width)
    return lines


def _wrapped(label: str, said: str, width: int) -> list[str]:
    return textwrap.wrap(
        said,
        width,
        initial_indent=label,
        subsequent_indent=" " * len(label),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _looked_at(turns: list[Turn]) -> str:
    exchanges, steps = sum(t.exchange is not None for t in turns), sum(t.step is not None for t in turns)
    parts = [_count(exchanges, "exchange"), _count(steps, "step") if steps else "no steps"]
    return f"{_count(len(turns), 'turn')} ({', '.join(parts)})"


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
