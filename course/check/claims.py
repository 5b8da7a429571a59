"""What the author of a lesson claims.

A claim that does not hold stops the notebook, so that no lesson continues from a false statement.

    claim("every request went to /v1/chat/completions", all(url == goal for url in urls), saw=urls)
    claims(("the prompt opens the thinking", prompt.endswith(OPEN)), ("the answer has no tag", "<think>" not in content))
"""

from html import escape
from typing import Any

from course import board
from course.check.answers import shortened
from course.check.display import show
from course.errors import CourseError


class CheckFailed(CourseError):
    """A claim of the lesson does not hold on this server."""


def claim(text: str, ok: Any, saw: Any = None) -> None:
    """Print the claim with a check mark if it is true; otherwise raise CheckFailed, which shows `saw`."""
    held(text, ok, saw)
    print(f"✓ {text}")


def claims(*found: tuple[Any, ...]) -> None:
    """Check several claims, each `(text, ok)` or `(text, ok, saw)`, and show them as one line that unfolds."""
    for each in found:
        held(*each)
    texts = [str(each[0]) for each in found]
    line = f"✓ {len(texts)} {'claim' if len(texts) == 1 else 'claims'} checked"
    listed = "".join(f"<li>✓ {escape(text)}</li>" for text in texts)
    show(
        "\n".join([line, *(f"  ✓ {text}" for text in texts)]),
        f"<details><summary>{line}</summary><ul>{listed}</ul></details>",
    )


def held(text: str, ok: Any, saw: Any = None) -> None:
    """Raise CheckFailed if the claim is not true."""
    board.attend()
    if ok:
        return
    seen = (
        ""
        if saw is None
        else f"\nSeen: {saw if isinstance(saw, str) and len(saw) < 300 else shortened(saw)}."
    )
    raise CheckFailed(
        f"this should be true and is not: {text}.{seen}\n"
        "Run the notebook from the top (Kernel → Restart and Run All). If that does not help:  course doctor"
    )
