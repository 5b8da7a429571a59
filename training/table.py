"""Write what was measured of the model as tables into its pages:  python -m training.table

docs/measurements.md and the model card get the table of the families with their targets, the model card also the one of
the quantizations, each between two marks. Measures nothing (`make eval` and research/quantizations.py do), and never
leaves out a missed target.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from authoring.generated import spliced
from course import ROOT
from course.model.embedded import adapter_path
from training.families import calls, speed

FOLDER = adapter_path().parent
PAGES = {
    ROOT / "docs" / "measurements.md": ["eval"],
    FOLDER / "MODEL_CARD.md": ["eval", "quantizations"],
}
"""The tables of each page."""
QUANTIZATIONS = FOLDER / "quantizations.json"
TARGET, TARGETS = 85, {speed.FAMILY: 95, calls.FAMILY: 90}
"""Percent right, by default and of some families."""

Data = Mapping[str, Any]
"""A stored measurement, or a part of one: see `record.Record`."""


def data(of: str = "wheel") -> Path:
    """The file of an engine, or of the base model. Lesson 00 shows the wheel's."""
    return FOLDER / ("eval.json" if of == "wheel" else f"eval.{of}.json")


def markdown(wheel: Data, binary: Data | None = None, base: Data | None = None) -> str:
    """A row for each family measured on the wheel, with the results of a binary and of the base model beside it."""
    head = [
        "family",
        "right",
        "target",
        "on a binary",
        "base model",
        "steps",
        "tokens",
        "seconds",
        "failures",
    ]
    lines = [f"| {' | '.join(head)} |", "|---|--:|---|---|--:|--:|--:|--:|---|"]
    for family, row in wheel["families"].items():
        at_once = f" (of {row['servers']} at once)" if row.get("servers", 1) > 1 else ""
        lines.append(
            f"| {family} | {counted(row)} | {verdict(family, row)} | {on_binary(family, wheel, binary)} "
            f"| {of_base(family, wheel, base)} | {row['steps']:.1f} | {row['tokens']} | {row['seconds']}{at_once} "
            f"| {failures(row) or 'none'} |"
        )
    engines = [engine(one) for one in (wheel, binary) if one]
    if base:
        limit = f"{base['model']['file']}, at most {base['max_steps']} steps"
        engines.append(f"the base model ({limit}) on {engine(base)}")
    made = f"Engine: {'; '.join(engines)}. Adapter {wheel['model']['adapter_sha256'][:12]}, {wheel['date']}, greedy."
    return "\n".join(
        [*lines, "", f"{made} Steps are means, tokens (generated) and seconds medians of a run."]
    )


def engine(measured: Data) -> str:
    """With the profile's flags at that time, which can tip a close choice between two tokens."""
    return f"{measured['engine']}, `{measured['flags']}`"


def on_binary(family: str, wheel: Data, binary: Data | None) -> str:
    """How often the binary was right, and how often it gave exactly the wheel's answer."""
    if binary is None or any(binary[what] != wheel[what] for what in ("model", "seed")):
        return "not measured"
    if family not in binary["families"]:
        return "not measured"
    # Paired by order, which is that of the cases: plain chat asks some questions twice, with and without thinking. The
    # binary may have fewer cases so far.
    pairs = zip(cases(family, wheel), cases(family, binary), strict=False)
    same = [one["answer"] == other["answer"] for one, other in pairs]
    row = binary["families"][family]
    return f"{with_failures(row)}, {sum(same)} of {len(same)} answers the same"


def of_base(family: str, wheel: Data, base: Data | None) -> str:
    """How often the base model was right, if it was asked the same questions."""
    if not base or family not in base["families"]:
        return "not measured"
    pairs = zip(cases(family, wheel), cases(family, base), strict=False)
    if any(one["question"] != other["question"] for one, other in pairs):
        return "not measured"
    return with_failures(base["families"][family])


def cases(family: str, measured: Data) -> list[Data]:
    return [one for one in measured["results"] if one["family"] == family]


def counted(row: Data) -> str:
    return f"{row['right']} of {row['cases']}"


def with_failures(row: Data) -> str:
    return counted(row) + (f" ({failures(row)})" if row["failures"] else "")


def failures(row: Data) -> str:
    return ", ".join(f"{times} × {kind}" for kind, times in row["failures"].items())


def verdict(family: str, row: Data) -> str:
    target = TARGETS.get(family, TARGET)
    met = 100 * row["right"] >= target * row["cases"]
    return f"≥ {target} %: {'met' if met else '**missed**'}"


def sizes(measured: Data | None) -> str:
    """A row for each quantization, and the adapter's checksum: the table is not repeated for each new adapter."""
    if measured is None:
        return "Not measured."
    lines = ["| quantization | MB | right | tokens/s, whole run | seconds |", "|---|--:|--:|--:|--:|"]
    for row in measured["rows"]:
        chosen = " (chosen)" if row["quantization"] == measured["chosen"] else ""
        lines.append(
            f"| {row['quantization']}{chosen} | {row['megabytes']} | {counted(row)} "
            f"| {row['tokens_per_second']} | {row['seconds']} |"
        )
    made = f"Family: {measured['family']}. Adapter {measured['adapter_sha256'][:12]}, {measured['rows'][0]['engine']}."
    return "\n".join([*lines, "", made])


def read(path: Path) -> Any:
    """The stored measurement; None if there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def written(page: Path, text: str) -> str:
    """The page's text with its tables made from the data as they are now."""
    make = {
        "eval": lambda: markdown(read(data()), read(data("binary")), read(data("base"))),
        "quantizations": lambda: sizes(read(QUANTIZATIONS)),
    }
    for name in PAGES[page]:
        begin = f"<!-- {name}: written by python -m training.table -->"
        text = spliced(text, begin, f"<!-- {name}: end -->", make[name]())
    return text


def main() -> None:
    for page in PAGES:
        page.write_text(written(page, page.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"written: {page}")


if __name__ == "__main__":
    main()
