"""What eval.json says, as a table in the README and in the model card:  python -m training.table

Does: one row for each family, with its target; writes it between two marks. Does not: measure (eval.py does), or leave a
missed target out.
"""

import json
from importlib.resources import files
from pathlib import Path

from course.generated import spliced
from training import calls, speed

BEGIN, END = "<!-- eval: written by python -m training.table -->", "<!-- eval: end -->"
DATA = Path(str(files("course") / "data" / "eval.json"))
PAGES = DATA.parents[2] / "README.md", DATA.parent / "MODEL_CARD.md"
TARGET, TARGETS = 85, {speed.FAMILY: 95, calls.FAMILY: 90}
"""Percent right."""


def markdown(data: dict) -> str:
    """The table of all families that were measured, and what it was measured with."""
    lines = ["| family | right | target | the base model | steps | tokens | seconds | its failures |"]
    lines.append("|---|--:|---|--:|--:|--:|--:|---|")
    for family, row in data["families"].items():
        base = f"{row['base_right']} of {row['base_cases']}" if "base_cases" in row else "not measured"
        failures = ", ".join(f"{times} × {kind}" for kind, times in row["failures"].items()) or "none"
        lines.append(
            f"| {family} | {row['right']} of {row['cases']} | {verdict(family, row)} | {base} | {row['steps']:.1f} "
            f"| {row['tokens']} | {row['seconds']} | {failures} |"
        )
    made = (
        f"Engine: {data['engine']}. Adapter {data['model']['adapter_sha256'][:12]}, {data['date']}, greedy."
    )
    return "\n".join(
        [*lines, "", f"{made} Steps are means, tokens (generated) and seconds medians of a run."]
    )


def verdict(family: str, row: dict) -> str:
    target = TARGETS.get(family, TARGET)
    met = 100 * row["right"] >= target * row["cases"]
    return f"≥ {target} %: {'met' if met else '**missed**'}"


def written(text: str, data: dict) -> str:
    return spliced(text, BEGIN, END, markdown(data))


def main() -> None:
    data = json.loads(DATA.read_text(encoding="utf-8"))
    for page in PAGES:
        page.write_text(written(page.read_text(encoding="utf-8"), data), encoding="utf-8")
        print(f"written: {page}")


if __name__ == "__main__":
    main()
