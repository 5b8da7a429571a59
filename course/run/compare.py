"""Compare an executed notebook with its stored outputs, by nbval's rules, so that its tags and files mean the same here.

Cells are compared that carry the tag `nbval-check-output` (or the comment `# NBVAL_CHECK_OUTPUT`); with `every`, all are
that do not carry `nbval-ignore-output` or `nbval-skip`. Normalizers are regular expressions with what to put in place of a
match, in the format of nbval's --nbval-sanitize-with:

    [times]
    regex: \\d+(\\.\\d+)? ms
    replace: TIME

nbval has no public interface for this and is barely maintained, so this is the only module that uses it.
"""

import copy
import difflib
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from course.errors import CourseError
from course.run.notebook import tags
from course.run.plan import WrongUse

LINES = 200
"""Lines of a difference that are shown."""
WIDTH = 2000
"""Characters of a line that are compared for showing; the comparison itself takes all of them."""
NOT_COMPARED = (
    "metadata",
    "traceback",
    "prompt_number",
    "output_type",
    "name",
    "execution_count",
    "application/vnd.jupyter.widget-view+json",
    "image/png",
    "image/jpeg",
)


@dataclass(frozen=True)
class Difference:
    """A cell whose output is not the stored one. `index` counts all cells from 0, `lines` is a unified diff.

    `counts`: the author or the caller asked for it to be the same, so its notebook fails.
    """

    index: int
    line: str
    lines: tuple[str, ...]
    counts: bool


def normalizers(path: Path | None) -> dict[str, str]:
    """Regular expression → replacement, from a file. WrongUse for one that cannot be read or has a faulty expression."""
    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(
            f"cannot read the normalizers in {path}: {error}.\nLook at it:  ls -l {path}"
        ) from error
    from nbval.plugin import get_sanitize_patterns

    pairs = get_sanitize_patterns(text.replace("\r\n", "\n"))
    begun = len(re.findall(r"^\s*(?:regex|replace)\s*[:=]", text, re.MULTILINE))
    if not pairs or begun != 2 * len(pairs):
        raise WrongUse(
            f"{path} has {begun} lines that begin with regex or replace, of which {2 * len(pairs)} make pairs.\n"
            "Each normalizer is two lines, one right after the other:\n  regex: \\d+ ms\n  replace: TIME"
        )
    for regex, replacement in pairs:
        try:
            re.sub(regex, replacement, "")
        except (re.error, IndexError) as error:
            raise WrongUse(
                f"{path}: `{regex}` with `{replacement}` is not a valid pair for re.sub ({error}).\n"
                "Try it:  python -c 'import re; re.compile(…)'"
            ) from error
    return dict(pairs)


def differences(
    stored: NotebookNode, ran: NotebookNode, patterns: Mapping[str, str], every: bool = False
) -> list[Difference]:
    """The cells of `ran` whose outputs are not those of `stored`. CourseError if they do not have the same cells.

    All cells with stored outputs are compared; `counts` says which of the differences make a notebook fail. A cell that has
    not run is not compared.
    """
    if [cell.source for cell in stored.cells] != [cell.source for cell in ran.cells]:
        raise CourseError("its cells are not those of the file, which was changed while it ran")
    rules = _Rules(dict(patterns))
    found = []
    for index, (old, new) in enumerate(zip(stored.cells, ran.cells, strict=True)):
        if old.cell_type != "code" or not began(new):
            continue
        wanted = checked(old, every)
        if wanted is None or not (wanted or old.get("execution_count") or old.get("outputs")):
            continue
        before, after = _streams(old.get("outputs", [])), _streams(new.get("outputs", []))
        if not rules.compare_outputs(after, before):
            lines = tuple(_diff(_text(before, rules), _text(after, rules)))
            first = next((line.strip() for line in old.source.splitlines() if line.strip()), "")
            found.append(Difference(index, first[:100], lines, wanted))
    return found


def began(cell: NotebookNode) -> bool:
    """Whether papermill ran the cell to its end."""
    return bool(cell.metadata.get("papermill", {}).get("status") == "completed")


def checked(cell: NotebookNode, every: bool) -> bool | None:
    """Whether its output has to be the stored one; None if it is not to be looked at."""
    from nbval.plugin import find_comment_markers, find_metadata_tags

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # contradictory tags: the last one counts, as in nbval
        options = dict(find_metadata_tags({"tags": tags(cell)})) | dict(find_comment_markers(cell.source))
    if options.get("skip") or options.get("check") is False:
        return None
    return bool(options.get("check", every))


class _Rules:
    """nbval's comparison without pytest: two methods of its cell, and what they expect to find beside them."""

    def __init__(self, patterns: dict[str, str]) -> None:
        from nbval.plugin import IPyNbCell, nocolors

        self.sanitize_patterns, self.skip_compare = patterns, NOT_COMPARED
        self.parent, self.colors = self, nocolors
        self._sanitize, self._compare = IPyNbCell.sanitize, IPyNbCell.compare_outputs

    def sanitize(self, text: Any) -> Any:
        return self._sanitize(self, text)

    def compare_outputs(self, new: list[NotebookNode], stored: list[NotebookNode]) -> bool:
        return bool(self._compare(self, new, stored))

    def format_output_compare(self, *_: Any) -> None:
        """We show the difference our own way."""


def _streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    from nbval.plugin import coalesce_streams

    made = copy.deepcopy(outputs)
    for output in made:  # nbval expects all of them, and not every program that writes notebooks does
        output.setdefault("output_type", "display_data")
        if output.output_type == "stream":
            output.setdefault("name", "stdout")
            output.setdefault("text", "")
    return list(coalesce_streams(made))


def _text(outputs: list[NotebookNode], rules: _Rules) -> list[str]:
    """Outputs as lines for a diff: what is compared, normalized."""
    lines: list[str] = []
    for output in outputs:
        if output.output_type == "stream":
            lines += _lines(output.text, rules)
        elif output.output_type == "error":
            lines += _lines(f"{output.get('ename')}: {output.get('evalue')}", rules)
        else:
            for kind, value in sorted(output.get("data", {}).items()):
                if kind not in NOT_COMPARED:
                    lines += [f"[{kind}]", *_lines(value, rules)]
                else:
                    lines.append(f"[{kind}: not compared]")
    return lines


def _lines(value: Any, rules: _Rules) -> list[str]:
    text = rules.sanitize(
        value if isinstance(value, str) else "".join(value) if isinstance(value, list) else str(value)
    )
    return [line[:WIDTH] for line in text.splitlines()]


def _diff(before: list[str], after: list[str]) -> Iterator[str]:
    """A unified diff of the two, shortened. difflib takes minutes for many thousand lines, so it sees a window of them."""
    start = next(
        (i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )
    skip = max(0, start - 3)
    window = 5 * LINES
    made = list(
        difflib.unified_diff(
            before[skip : skip + window], after[skip : skip + window], "stored", "executed", lineterm="", n=3
        )
    )
    yield from made[:LINES]
    if len(made) > LINES or max(len(before), len(after)) - skip > window:
        yield "… and more"
