"""What was measured, as tables in the README, in the model card and in training's page:  python -m training.table

Does: one row for each family, with its target; one for each quantization, one for each recipe of a sweep; writes them
between marks. Does not: measure (eval.py, quantizations.py and sweep.py do), or leave a missed target out.
"""

import json
from pathlib import Path

from authoring.generated import spliced
from course.model.embedded import adapter_path
from training import calls, speed

FOLDER = adapter_path().parent
TRAINING = Path(__file__).parent
PAGES = {
    FOLDER.parents[1] / "README.md": ["eval"],
    FOLDER / "MODEL_CARD.md": ["eval", "quantizations"],
    TRAINING / "README.md": ["sweep"],
}
"""The tables of each page."""
QUANTIZATIONS, SWEEP = FOLDER / "quantizations.json", TRAINING / "sweep.json"
TARGET, TARGETS = 85, {speed.FAMILY: 95, calls.FAMILY: 90}
"""Percent right."""


def data(of: str = "wheel") -> Path:
    """The file of an engine, or of the base: the wheel's is the one that lesson 00 shows."""
    return FOLDER / ("eval.json" if of == "wheel" else f"eval.{of}.json")


def markdown(wheel: dict, binary: dict | None = None, base: dict | None = None) -> str:
    """The table of all families that were measured, and what it was measured with; of the binary, what differs."""
    head = [
        "family",
        "right",
        "target",
        "on a binary",
        "the base model",
        "steps",
        "tokens",
        "seconds",
        "its failures",
    ]
    lines = [f"| {' | '.join(head)} |", "|---|--:|---|---|--:|--:|--:|--:|---|"]
    for family, row in wheel["families"].items():
        at_once = f" (of {row['servers']} at once)" if row.get("servers", 1) > 1 else ""
        lines.append(
            f"| {family} | {row['right']} of {row['cases']} | {verdict(family, row)} | {beside(family, wheel, binary)} "
            f"| {without(family, wheel, base)} | {row['steps']:.1f} | {row['tokens']} | {row['seconds']}{at_once} "
            f"| {failed(row) or 'none'} |"
        )
    engines = [engine(one) for one in (wheel, binary) if one]
    if base:
        limit = f"{base['model']['file']}, at most {base['max_steps']} steps"
        engines.append(f"the base model ({limit}) on {engine(base)}")
    made = f"Engine: {'; '.join(engines)}. Adapter {wheel['model']['adapter_sha256'][:12]}, {wheel['date']}, greedy."
    return "\n".join(
        [*lines, "", f"{made} Steps are means, tokens (generated) and seconds medians of a run."]
    )


def engine(measured: dict) -> str:
    """With the profile's flags of then, which may decide a close word."""
    return f"{measured['engine']}, `{measured['flags']}`"


def beside(family: str, wheel: dict, binary: dict | None) -> str:
    """How often the binary was right, and gave the very answer of the wheel."""
    alike = binary and all(binary[what] == wheel[what] for what in ("model", "seed"))
    if not alike or family not in binary["families"]:
        return "not measured"
    row = binary["families"][family]
    # By their order, which is that of the cases: a question may be asked twice, with and without thinking. A binary may
    # have been asked fewer of them so far.
    pairs = zip(cases(family, wheel), cases(family, binary), strict=False)
    both = [one["answer"] == other["answer"] for one, other in pairs]
    return f"{counted(row)}, {sum(both)} of {len(both)} answers the same"


def without(family: str, wheel: dict, base: dict | None) -> str:
    """How often the base was right without an adapter, if it was asked the same."""
    if not base or family not in base["families"]:
        return "not measured"
    pairs = zip(cases(family, wheel), cases(family, base), strict=False)
    if any(one["question"] != other["question"] for one, other in pairs):
        return "not measured"
    return counted(base["families"][family])


def cases(family: str, measured: dict) -> list[dict]:
    return [one for one in measured["results"] if one["family"] == family]


def counted(row: dict) -> str:
    return f"{row['right']} of {row['cases']}" + (f" ({failed(row)})" if row["failures"] else "")


def failed(row: dict) -> str:
    return ", ".join(f"{times} × {kind}" for kind, times in row["failures"].items())


def verdict(family: str, row: dict) -> str:
    target = TARGETS.get(family, TARGET)
    met = 100 * row["right"] >= target * row["cases"]
    return f"≥ {target} %: {'met' if met else '**missed**'}"


def sizes(measured: dict | None) -> str:
    """The table of quantizations, and which adapter it is of: a later one does not make it anew."""
    if measured is None:
        return "Not measured."
    lines = ["| quantization | MB | right | tokens a second, all in all | seconds |", "|---|--:|--:|--:|--:|"]
    for row in measured["rows"]:
        chosen = " (chosen)" if row["quantization"] == measured["chosen"] else ""
        lines.append(
            f"| {row['quantization']}{chosen} | {row['megabytes']} | {row['right']} of {row['cases']} "
            f"| {row['tokens_per_second']} | {row['seconds']} |"
        )
    made = f"Family: {measured['family']}. Adapter {measured['adapter_sha256'][:12]}, {measured['rows'][0]['engine']}."
    return "\n".join([*lines, "", made])


def recipes(measured: dict | None) -> str:
    """The table of a sweep: of each family the loss a token, and the share of exchanges right to the last token."""
    if measured is None:
        return "Not measured."
    names = list(measured["rows"][0]["families"])
    lines = [
        f"| rank | conversations | training, s | weights | {' | '.join(names)} |",
        f"|--:|--:|--:|---|{'--:|' * len(names)}",
    ]
    for row in measured["rows"]:
        scores = [row["families"][name] for name in names]
        shares = " | ".join(f"{score['loss']:.3f}, {score['exchanges']:.3f}" for score in scores)
        lines.append(
            f"| {row['rank']} | {row['conversations']} | {row['seconds']} | {row['weights']} | {shares} |"
        )
    made = f"On one {measured['device']}, {measured['cases']} held-out runs of each family, seed {measured['seed']}."
    return "\n".join([*lines, "", made])


def read(path: Path) -> dict | None:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def written(page: Path, text: str) -> str:
    """The page's text with its tables of the data as they are now."""
    made = {
        "eval": lambda: markdown(read(data()), read(data("binary")), read(data("base"))),
        "quantizations": lambda: sizes(read(QUANTIZATIONS)),
        "sweep": lambda: recipes(read(SWEEP)),
    }
    for name in PAGES[page]:
        begin = f"<!-- {name}: written by python -m training.table -->"
        text = spliced(text, begin, f"<!-- {name}: end -->", made[name]())
    return text


def main() -> None:
    for page in PAGES:
        page.write_text(written(page, page.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"written: {page}")


if __name__ == "__main__":
    main()
