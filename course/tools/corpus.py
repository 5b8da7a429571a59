"""The offline web: short pages about real animals and places. Like pages on the web, they disagree with each other.

The rows of data/animals.tsv and data/places.tsv become result pages in several layouts. Most pages of a row state its main
figure, one page each states the other cited figures, and one page states none. The figures are real: the `source` column,
quoted on the first page of each entity, tells where to check the main one. The pages are made up: every address ends in
`.example`. search.py searches them.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files

KMH_PER_MPH = 1.609344
FEET_PER_M = 3.28084


@dataclass(frozen=True)
class Page:
    """One search result. `about` is the entity's name, `figure` the number of km/h or m that the page states, or None."""

    title: str
    link: str
    description: str
    about: str = ""
    figure: str | None = None

    def result(self) -> dict[str, str]:
        """The page as WebSearchTool's own searches return it."""
        return {"title": self.title, "link": self.link, "description": self.description}


@dataclass(frozen=True)
class Layout:
    """How one site words its pages, as format strings. `states` is False if its pages state no figure."""

    site: str
    title: str
    text: str
    states: bool = True


SPEED_LAYOUTS = (
    Layout(
        "encyclopedia",
        "{Name} - Field Encyclopedia",
        "Top speed: {v} km/h ({mph} mph). Source: {source}. The {name} lives in {habitat}.",
    ),
    Layout(
        "animal-facts",
        "{Name} facts and figures",
        "Weight: {mass} kg. Top speed: {v} km/h. Lifespan: {life} years.",
    ),
    Layout(
        "howfast",
        "How fast can the {name} run?",
        "At full speed the {name} covers the ground at {v} km/h, which is about {mph} mph.",
    ),
    Layout(
        "rangers",
        "Notes of a ranger: the {name}",
        "In {year} we clocked one next to the jeep. The top speed was {mph} mph, that is {v} km/h.",
    ),
    Layout(
        "zoo-school",
        "Zoo school: meet the {name}",
        "It weighs {mass} kg, can live for {life} years and runs at a top speed of {v} km/h.",
    ),
    Layout(
        "ranking",
        "Animals by speed, edition {year}",
        "Place {rank} goes to the {name} with a top speed of {v} km/h over a short sprint.",
    ),
    Layout(
        "night-walks",
        "Watching the {name} at dusk",
        "Fast or slow, keep your distance: an adult of {mass} kg needs {year_walks} minutes to "
        "forget you. It lives {life} years.",
        states=False,
    ),
)

LENGTH_LAYOUTS = (
    Layout(
        "encyclopedia",
        "{Name} - Field Encyclopedia",
        "{Kind} in {city}, {country}. Length: {v} m ({ft} ft). Source: {source}. Opened in {year}.",
    ),
    Layout(
        "structures",
        "{Name}, {city}: data sheet",
        "Type: {kind}. Opened: {year}. Length: {v} m. Width: {width} m.",
    ),
    Layout(
        "cityguide",
        "Visiting {Name} in {city}",
        "Known for {detail}. End to end it has a length of {v} meters, so bring good shoes.",
    ),
    Layout(
        "walkers",
        "A walk over {Name}",
        "We paced out {ft} feet, a length of {v} meters, and met {year_walks} other walkers.",
    ),
    Layout(
        "builders",
        "How {Name} was built",
        "The {kind} was opened in {year}. Its length is {v} m; the deck is {width} m wide.",
    ),
    Layout(
        "quiz",
        "Quiz night: {country}",
        "Question {rank}: what is the length of {Name}? Answer: {v} meters.",
    ),
    Layout(
        "postcards",
        "Old postcards of {Name}",
        "A set of {year_walks} cards from {year}, length and width of each noted. It is known for {detail}.",
        states=False,
    ),
)


def number(value: float) -> str:
    """A figure as a page prints it: no trailing zeros, no exponent."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def capital(text: str) -> str:
    """With a capital first letter, and the rest unchanged: "the Elm Street" becomes "The Elm Street"."""
    return text[0].upper() + text[1:]


def slug(name: str) -> str:
    """The last part of the address of a page about this name."""
    return name.lower().replace(" ", "-")


def page(layout: Layout, facts: Mapping[str, object], figure: str) -> Page:
    """One page: `facts` as in the rows of the tables (name, mass_kg, …), `figure` in km/h or m."""
    name = str(facts["name"])
    seed = sha256(f"{name}/{layout.site}".encode()).digest()
    values = {
        "name": name,
        "Name": capital(name),
        "v": figure,
        "mph": number(round(float(figure) / KMH_PER_MPH, 0 if float(figure) > 10 else 1)),
        "ft": number(round(float(figure) * FEET_PER_M)),
        "source": facts["source"],
        "mass": facts.get("mass_kg"),
        "life": facts.get("lifespan_years"),
        "habitat": facts.get("habitat"),
        "kind": facts.get("kind"),
        "Kind": str(facts.get("kind", "")).capitalize(),
        "city": facts.get("city"),
        "country": facts.get("country"),
        "detail": facts.get("detail"),
        "width": facts.get("width_m"),
        "year": facts.get("opened") or 1990 + seed[0] % 35,
        "year_walks": 3 + seed[1] % 40,
        "rank": 2 + seed[2] % 60,
    }
    return Page(
        layout.title.format(**values),
        f"https://{layout.site}.example/{slug(name)}",
        layout.text.format(**values),
        about=name,
        figure=figure if layout.states else None,
    )


def pages(layouts: Iterable[Layout], facts: Mapping[str, object], main: str, others: list[str]) -> list[Page]:
    """All pages of one entity: three with the main figure, then one for each other figure, then those without a figure.

    Layouts that need a width are left out if it is unknown (`-`).
    """
    usable = [lay for lay in layouts if not ("{width}" in lay.text and facts.get("width_m") == "-")]
    stating = [lay for lay in usable if lay.states]
    figures = ([main] * 3 + others)[: len(stating)]
    told = [page(lay, facts, figure) for lay, figure in zip(stating, figures, strict=False)]
    return told + [page(lay, facts, main) for lay in usable if not lay.states]


def rows(table: str) -> list[dict[str, str]]:
    """The rows of `animals` or `places`, as written in course/data."""
    text = (files("course") / "data" / f"{table}.tsv").read_text(encoding="utf-8")
    return list(csv.DictReader(io.StringIO(text), delimiter="\t"))


def load() -> list[Page]:
    """Every page of the offline web, animals first."""
    animals = [
        p
        for row in rows("animals")
        for p in pages(SPEED_LAYOUTS, row, row["top_speed_kmh"], row["other_speeds_kmh"].split(","))
    ]
    places = [
        p
        for row in rows("places")
        for p in pages(LENGTH_LAYOUTS, row, row["length_m"], row["other_lengths_m"].split(","))
    ]
    return animals + places
