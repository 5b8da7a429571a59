"""Replace the generated part of a text file, which is between two marks, each on a line of its own."""


def spliced(text: str, begin: str, end: str, made: str) -> str:
    """The text with everything between the marks replaced. ValueError if a mark is missing."""
    before, first, rest = text.partition(begin)
    _, last, after = rest.partition(end)
    if not first or not last:
        raise ValueError(
            f"a mark is missing; put these lines where the generated part belongs:\n{begin}\n{end}"
        )
    return f"{before}{begin}\n\n{made}\n\n{end}{after}"
