"""`OfflineSearch`: the agent's `web_search` without a web.

It searches the pages of corpus.py with an in-memory SQLite full-text index. It is a WebSearchTool with a different `search`
method, so the name, the signature, the form of results and errors, and the system prompt stay the same, byte for byte. It
does not use the network. If no page has the rare words of a query, it raises WebSearchTool's own "No results found!".

    OfflineSearch()("leopard top speed")    # "## Search Results…"
"""

import re
import sqlite3
from collections.abc import Sequence

from smolagents import WebSearchTool

from course.tools import corpus

COMMON = 0.1
"""A word on more than this share of the pages ("speed", "length") does not say which page is meant."""
NEAR = 0.6
"""Pages with less than this share of the best page's BM25 score are about something else."""


class OfflineSearch(WebSearchTool):
    """A drop-in replacement for smolagents' WebSearchTool. `pages`: what it searches (default: the course's corpus)."""

    def __init__(self, max_results: int = 10, pages: Sequence[corpus.Page] | None = None) -> None:
        super().__init__(max_results=max_results)
        self.pages = list(corpus.load() if pages is None else pages)
        self.index = sqlite3.connect(":memory:", check_same_thread=False)
        self.index.execute("CREATE VIRTUAL TABLE page USING fts5(title, description)")
        self.index.executemany(
            "INSERT INTO page(rowid, title, description) VALUES (?, ?, ?)",
            [(n, p.title, p.description) for n, p in enumerate(self.pages)],
        )

    def search(self, query: str) -> list[dict[str, str]]:
        """The best pages for the query, best first: those with its rarest known word, ranked by BM25."""
        words = set(re.findall(r"\w+", query.lower()))
        counts = {word: self._count(word) for word in words}
        telling = {w: n for w, n in counts.items() if 0 < n <= max(COMMON * len(self.pages), 10)}
        if not telling:
            return []
        rarest = min(telling, key=lambda word: (telling[word], word))
        match = f'"{rarest}" AND ({" OR ".join(f"{chr(34)}{word}{chr(34)}" for word in sorted(words))})'
        found = self.index.execute(
            "SELECT rowid, bm25(page, 3.0, 1.0) AS score FROM page WHERE page MATCH ? ORDER BY score, rowid LIMIT ?",
            (match, self.max_results),
        ).fetchall()
        return [self.pages[rowid].result() for rowid, score in found if score <= NEAR * found[0][1]]

    def _count(self, word: str) -> int:
        """How many pages have the word."""
        found = self.index.execute("SELECT count(*) FROM page WHERE page MATCH ?", (f'"{word}"',)).fetchone()
        return int(found[0])
