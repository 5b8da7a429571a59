"""The part of a text file that a program writes: what stands between two marks, lines of their own."""


def spliced(text: str, begin: str, end: str, made: str) -> str:
    """The text with what stands between the marks replaced; ValueError when one of them is missing."""
    before, first, rest = text.partition(begin)
    _, last, after = rest.partition(end)
    if not first or not last:
        raise ValueError(
            f"a mark is missing; put these lines where the generated part belongs:\n{begin}\n{end}"
        )
    return f"{before}{begin}\n\n{made}\n\n{end}{after}"
