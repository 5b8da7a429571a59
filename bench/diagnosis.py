"""How well `course diagnose` tells faults apart:  python -m bench.diagnosis [--tapes DIR]

Records a tape of each recipe (bench/recipes.py), a real run with known faults or a healthy one; diagnoses it; prints
what was expected and what was found, and precision and recall by kind. With --tapes, tapes are kept in that folder and
reused if they exist. Starts one server at a time, and never uses one that is already running.
"""

import argparse
import json
import re
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path

from bench.recipes import Recipe, recipes
from course.diagnose import diagnose, kinds
from course.server import Server
from course.tape import Tape
from course.turns import turns

KEY = "bench"
"""Every server requires a key, so that a wrong one is a fault."""


def path_of(recipe: Recipe, folder: Path) -> Path:
    return folder / (re.sub(r"\W+", "-", recipe.name) + ".tape.jsonl")


def record(wanted: Iterable[Recipe], folder: Path) -> None:
    """Record those that do not have a tape yet. Recipes that need the same server share it."""

    def server_of(recipe: Recipe) -> str:
        return recipe.name if recipe.own else json.dumps(recipe.changes)

    missing = sorted((r for r in wanted if not path_of(r, folder).exists()), key=server_of)
    for _, grouped in groupby(missing, key=server_of):
        group = list(grouped)
        changes = dict(group[0].changes)
        with ExitStack() as stack:
            if template := changes.get("chat_template_file"):
                changes["chat_template_file"] = folder / "template.jinja"
                changes["chat_template_file"].write_text(template, encoding="utf-8")
            server = Server("embedded", url=False, quiet=True, api_key=KEY, **changes)
            stack.callback(server.stop)
            for recipe in group:
                if recipe.name != "server still loading":
                    server.start()
                began, part = time.monotonic(), path_of(recipe, folder).with_suffix(".part")
                part.unlink(missing_ok=True)
                recipe.run(server, Tape(part))
                part.rename(path_of(recipe, folder))
                print(f"recorded in {time.monotonic() - began:4.1f} s: {recipe.name}", flush=True)


def measure(wanted: Iterable[Recipe], folder: Path) -> list[tuple[Recipe, frozenset[str]]]:
    """Each recipe with the kinds of fault found on its tape."""
    found = []
    for recipe in wanted:
        made = turns(Tape.read(path_of(recipe, folder)).records())
        found.append((recipe, frozenset(finding.kind for finding in diagnose(made) if not finding.remark)))
    return found


def report(measured: list[tuple[Recipe, frozenset[str]]]) -> str:
    """A line for each tape, a line for each kind, and the two figures."""
    lines = []
    for recipe, found in measured:
        mark = "✓" if found == recipe.expected else "✗"
        lines.append(f"{mark} {recipe.name:40s} {', '.join(sorted(recipe.expected)) or 'healthy'}")
        if absent := recipe.expected - found:
            lines.append(f"  {'':40s} missed: {', '.join(sorted(absent))}")
        if wrong := found - recipe.expected:
            lines.append(f"  {'':40s} not there: {', '.join(sorted(wrong))}")
    lines += ["", f"{'kind':24s} tapes  found  missed  not there"]
    right = missed = false = 0
    for kind in kinds():
        there = [kind in found for recipe, found in measured if kind in recipe.expected]
        extra = sum(kind in found for recipe, found in measured if kind not in recipe.expected)
        lines.append(f"{kind:24s} {len(there):5d}  {sum(there):5d}  {len(there) - sum(there):6d}  {extra:9d}")
        right, missed, false = right + sum(there), missed + len(there) - sum(there), false + extra
    healthy = [found for recipe, found in measured if not recipe.expected]
    lines += [
        "",
        f"{len(measured)} tapes, {len(measured) - len(healthy)} with a fault",
        f"precision {ratio(right, right + false)}: of {right + false} findings (kinds per tape) {right} are right",
        f"recall    {ratio(right, right + missed)}: of {right + missed} faults {right} are found",
        f"healthy tapes without a finding: {sum(not f for f in healthy)} of {len(healthy)}",
    ]
    return "\n".join(lines)


def ratio(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tapes", type=Path, help="keep the tapes in this folder, and reuse those in it")
    parser.add_argument("--only", default="", help="only recipes whose name contains this")
    args = parser.parse_args()
    wanted = [recipe for recipe in recipes() if args.only in recipe.name]
    with ExitStack() as stack:
        folder = args.tapes or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        record(wanted, folder)
        print(report(measure(wanted, folder)))


if __name__ == "__main__":
    main()
