"""`FolderSearch`: an agent's search over the documents of a folder on this computer.

It reads the text files of the folder once and puts their passages into an in-memory SQLite full-text index (FTS5). It
writes nothing, follows no links, and never uses the network. `files` says what was indexed, `skipped` what was not and why,
`asked` each query so far and what it got.

    search = FolderSearch("notes")
    search("locker number of Ada Brenner")    # "(staff.md) Ada Brenner uses locker number 417."
    search.skipped                            # {"photo.jpg": "binary"}
    search.asked                              # [("locker number of Ada Brenner", "(staff.md) …")]
"""

import codecs
import os
import re
import sqlite3
import stat
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from smolagents import Tool

from course.errors import CourseError
from course.terminal import one_line

LARGEST = 1_000_000
"""Bytes. A larger file is rarely one that a person wrote."""
MOST = 50_000_000
"""Bytes of all files together, because the index is in memory."""
LONGEST = 400
"""Characters of a passage. A passage that an agent prints is in all of its later prompts."""
RESULTS = 50
NOTHING = "Nothing found."
WRAPPED = {".md", ".markdown", ".rst", ".txt", ""}
"""Kinds of file whose paragraphs go on in the next line. In all others, each line is a passage."""
STARTS = re.compile(r"\s*(?:[-*+>|#]|\d+[.)])")
"""The beginning of a list item, a quotation, a row of a table, or a heading: each is a passage of its own."""
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is the beginning of this one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
GUESSES = ("utf-8", "cp1252", "latin-1")
"""Encodings to try for a file without a mark. UTF-8 is certain if it fits; the others are guesses."""


@dataclass(frozen=True)
class Document:
    """An indexed file: how many passages it has, and the encoding in which it was read."""

    passages: int
    encoding: str


class FolderSearch(Tool):
    """`search_documents(query, max_results)`: the passages that fit best, one per line, each after its file's name.

    `largest` and `most` are limits in bytes: for one file, and for all of them together. CourseError if the folder does not
    exist or has no text in it.
    """

    name = "search_documents"
    description = "Searches the private documents and returns the passages that fit best."
    inputs = {  # noqa: RUF012
        "query": {"type": "string", "description": "The words to look for."},
        "max_results": {
            "type": "integer",
            "description": "The number of passages to return.",
            "nullable": True,
        },
    }
    output_type = "string"

    def __init__(self, folder: str | Path, *, largest: int = LARGEST, most: int = MOST) -> None:
        super().__init__()
        self.folder = Path(folder).expanduser()
        self.files: dict[str, Document] = {}
        self.skipped: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        # smolagents may run the agent's code in another thread.
        self.index = sqlite3.connect(":memory:", check_same_thread=False)
        self.index.execute("CREATE VIRTUAL TABLE passage USING fts5(text, file)")
        left = most
        for path in paths(self.folder):
            file = one_line(path.relative_to(self.folder).as_posix())
            try:
                data = content(path, largest, left)
                text, encoding = decoded(data)
            except Unusable as reason:
                self.skipped[file] = str(reason)
                continue
            rows = [(passage, file) for passage in passages(text, path.suffix.lower())]
            if not rows:
                self.skipped[file] = "no words in it"
                continue
            left -= len(data)
            self.index.executemany("INSERT INTO passage(text, file) VALUES (?, ?)", rows)
            self.files[file] = Document(len(rows), encoding)
        if not self.files:
            raise CourseError(_nothing_in(self.folder, self.skipped))

    def forward(self, query: str, max_results: int | None = 4) -> str:
        """Rank the passages that have a word of the query by BM25. ValueError, for the agent to read, if it has none."""
        words = sorted(set(re.findall(r"\w+", str(query).lower())))
        if not words:
            raise ValueError(f"{query!r} has no words to look for.")
        found = self.index.execute(
            "SELECT file, text FROM passage WHERE passage MATCH ? ORDER BY bm25(passage), rowid LIMIT ?",
            (" OR ".join(f'"{word}"' for word in words), min(max(int(max_results or 4), 1), RESULTS)),
        )
        result = "\n".join(f"({file}) {text}" for file, text in found) or NOTHING
        self.asked.append((str(query), result))
        return result


class Unusable(Exception):
    """Why a file is not indexed, in a few words."""


def paths(folder: Path) -> Iterator[Path]:
    """What is in the folder and its subfolders, sorted, without hidden names and without following links."""
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise CourseError(
            f"the folder {one_line(str(folder))} {what}.\nName one with text files in it:  FolderSearch('notes')"
        )
    for here, inner, names in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        yield from (Path(here, name) for name in sorted(names) if not name.startswith("."))


def content(path: Path, largest: int, left: int) -> bytes:
    """The bytes of a file. Nothing but a plain file is opened: a pipe would wait for a writer."""
    try:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode):
            raise Unusable("a link")
        if not stat.S_ISREG(status.st_mode):
            raise Unusable("not a file")
        if status.st_size > largest:
            raise Unusable(f"{status.st_size:,} bytes, more than {largest:,}")
        if status.st_size > left:
            raise Unusable("no room left in the index")
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"cannot be read ({error.strerror or error})") from None


def decoded(data: bytes) -> tuple[str, str]:
    """The text of a file and its encoding: the one that its mark names, or else UTF-8 if it fits, or else a guess."""
    if not data.strip():
        raise Unusable("empty")
    marked = next((encoding for mark, encoding in MARKS if data.startswith(mark)), None)
    if marked is None and b"\0" in data:
        raise Unusable("binary")
    for encoding in [marked] if marked else GUESSES:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if not text.strip():
            raise Unusable("empty")
        return text, encoding.removesuffix("-sig")
    raise Unusable(f"not the {marked} that it says it is")


def passages(text: str, suffix: str = ".md") -> list[str]:
    """The text in pieces of at most LONGEST characters, each on one line: paragraphs, list items, rows, or lines."""
    blocks: list[list[str]] = [[]]
    for line in text.splitlines():
        if suffix not in WRAPPED or not line.strip() or STARTS.match(line):
            blocks.append([])
        blocks[-1].append(line)
    whole = (" ".join(printable("\n".join(block)).split()) for block in blocks)
    return [piece for block in whole if re.search(r"\w", block) for piece in _pieces(block)]


def printable(text: str) -> str:
    """The text with a space for each control character."""
    return "".join(c if c.isprintable() else " " for c in text)


def _pieces(block: str) -> Iterator[str]:
    """A long block in pieces that end with a sentence, if a sentence is short enough."""
    piece = ""
    for sentence in re.split(r"(?<=[.!?]) ", block):
        if piece and len(piece) + 1 + len(sentence) > LONGEST:
            yield piece
            piece = ""
        *full, last = textwrap.wrap(sentence, LONGEST) or [""]
        yield from full
        piece = f"{piece} {last}".strip()
    if piece:
        yield piece


def _nothing_in(folder: Path, skipped: Mapping[str, str]) -> str:
    reasons = "; ".join(f"{name}: {why}" for name, why in list(skipped.items())[:5]) or "it has no files"
    return (
        f"there is no text to search in {one_line(str(folder))} ({reasons}).\n"
        "Put text files into it (.md, .txt, .csv, source code), or name another folder:  FolderSearch('notes')"
    )
