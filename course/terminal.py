"""Text from outside on a terminal: every control character as an escape that can be seen.

A model's answer, a server's error, the name of a file or of a host may hold characters that move the cursor, rename the
window, write to the clipboard or turn the direction of writing around. `visible` is the one place that knows them, and
`say` is how the course prints. Files and pages hold texts as they are.

    say(f"tape: {path}")
    say(f"course: {problem}", err=True)
"""

import codecs
import errno
import io
import re
import sys
from typing import TextIO

HIDDEN = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction of writing (Unicode Standard Annex 9)
    "\u2028\u2029\ufff9-\ufffb"  # line and paragraph separators, annotations
    "\ud800-\udfff"  # lone surrogates, which no encoding has
    "]"
)


def visible(text: str) -> str:
    """The text with each of these characters as \\uXXXX, as in JSON. Tabs and line breaks stay; CR LF becomes LF.

    A line of JSON has the same meaning afterwards.
    """
    return HIDDEN.sub(lambda found: _escape(found[0]), text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The same for a name within a sentence: tabs and line breaks become escapes too."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")


def say(text: object, *, err: bool = False) -> None:
    """Print to standard output, or to standard error, whatever its encoding. OSError with its name if it is full."""
    out = sys.stderr if err else sys.stdout
    try:
        print(fitting(visible(str(text)), out), file=out, flush=True)
    except OSError as error:
        if error.errno != errno.EPIPE:
            error.filename = "standard error" if err else "standard output"
        raise


def tolerate() -> None:
    """From now on, what else this program prints fits every terminal too, such as typer's help."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ESCAPES)


def fitting(text: str, out: TextIO | None) -> str:
    """The text with escapes for the characters that the stream's encoding does not have."""
    encoding = getattr(out, "encoding", None) or "utf-8"
    return text.encode(encoding, _ESCAPES).decode(encoding)


def _escape(text: str) -> str:
    """The text's UTF-16 units as \\uXXXX."""
    return re.sub("....", r"\\u\g<0>", text.encode("utf-16-be", "surrogatepass").hex())


def _escaped(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return _escape(error.object[error.start : error.end]), error.end


_ESCAPES = "course.terminal"
codecs.register_error(_ESCAPES, _escaped)
