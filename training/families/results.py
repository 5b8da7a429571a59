"""What search results look like besides their wording: addresses of every kind, snippets, and the form of the list.

A model that has only seen addresses that end in the subject's name learns to read the address instead of the page.
Nothing here depends on the figures.
"""

import random
from dataclasses import replace

from course.tools.corpus import Page, slug

HOSTS = {
    True: (
        "https://{site}.example",
        "https://www.{site}.example",
        "http://{site}.example",
        "https://en.{site}.example",
    ),
    False: (
        "https://www.example.org",
        "https://{site}.example.net",
        "https://blog.{site}.example",
        "https://example.com",
    ),
}
NAMING = {
    True: (
        "/{slug}", "/{slug}", "/wiki/{Snake}", "/{slug}-facts", "/{slug}.html", "/topics/{slug}/", "/all-about-the-{slug}",
        "/{year}/{slug}", "/q/{number}/{slug}", "/the-{slug}-in-numbers",
    ),
    False: (
        "/everything-on-{slug}-in-one-place", "/posts/{number}-{slug}", "/a/{Snake}", "/{slug}/facts", "/search?q={slug}",
        "/{slug}#top",
    ),
}  # fmt: skip
"""Paths with the subject's name, trained on and held out."""
NUMBERED = {
    True: ("/{number}", "/p/{number}", "/article/{number}", "/{year}/{number}", "/item?id={number}", "/{hex}", "/t/{hex}",
        ""),
    False: ("/{rank}", "/read/{hex}", "/{year}/{rank}/{number}", "/view?page={number}", "/#/{hex}", "/"),
}  # fmt: skip
"""Paths that say nothing about the subject."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FORMS = ("[{title}]({link})\n{description}", "{title}\n{description}", "{title}: {description}")
"""How tools print a result. The first is WebSearchTool's and DuckDuckGoSearchTool's, the others are a learner's own."""


def form(rng: random.Random) -> str:
    """The form of a tool's results: mostly that of smolagents' tools."""
    return FORMS[0] if rng.random() < 0.8 else rng.choice(FORMS[1:])


def dressed(rng: random.Random, pages: list[Page], training: bool) -> list[Page]:
    """The same pages with the addresses and snippets of one search.

    The course's addresses remain in a third of the training cases. In half of the held-out cases no address names the
    subject.
    """
    if training and rng.random() < 0.33:
        return pages
    naming = 0.0 if rng.random() < 0.5 else rng.uniform(0.3, 1.0)
    snippets = rng.random() < 0.25
    moved = [replace(page, link=_address(rng, page, training, rng.random() < naming)) for page in pages]
    return (
        [replace(page, description=_snippet(rng, page.description)) for page in moved] if snippets else moved
    )


def _address(rng: random.Random, page: Page, training: bool, naming: bool) -> str:
    site = page.link.split("/")[2].removesuffix(".example")
    fields = {
        "site": site,
        "slug": slug(page.about),
        "Snake": page.about[0].upper() + page.about[1:].replace(" ", "_"),
        "number": rng.randint(100, 99999),
        "hex": f"{rng.getrandbits(32):08x}",
        "rank": rng.randint(1, 20),
        "year": rng.randint(2009, 2026),
    }
    path = rng.choice((NAMING if naming else NUMBERED)[training])
    return (rng.choice(HOSTS[training]) + path).format(**fields)


def _snippet(rng: random.Random, text: str) -> str:
    """The text as search engines cut it out of a page: after a date, or between dots."""
    dated = f"{rng.choice(MONTHS)} {rng.randint(1, 28)}, {rng.randint(2009, 2026)} · "
    return rng.choice(("{date}{text}", "{date}{text} ...", "... {text} ...", "{text} ...")).format(
        date=dated, text=text
    )
