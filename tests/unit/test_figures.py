"""The tool reads what pages state about one subject, and nothing else."""

import re

import pytest

from course.tools.figures import MostFrequentFigure, about

PAGES = """[Facts](https://facts.example/leopard)
The leopard, of 60 kg, runs 58 km/h, or 36 miles.

[Zoo](https://zoo.example/leopard)
Up to 58 kilometers per hour.

[Diary](https://diary.example/leopard)
I saw 61 km/h.

[Snow](https://facts.example/snow-leopard)
The snow leopard runs 88 km/h.

[Snow](https://zoo.example/snow-leopard)
88 km/h.

[Snow](https://diary.example/snow-leopard)
88 km/h."""
read = MostFrequentFigure()


def test_a_subject_whose_name_contains_another_is_another():
    assert read("speed of leopard", PAGES) == "58 km/h"
    assert read("speed of snow leopard", PAGES) == "88 km/h"


@pytest.mark.parametrize(
    ("text", "about_it"),
    [
        ("How fast can leopards run?", True),
        ("Our leopard hit 58 km/h.", True),
        ("[The cat pages](https://www.example.org/how-fast-can-a-leopard-run)\nUp to 58 km/h.", True),
        ("Cats: leopard, lion and cheetah.", True),
        ("The snow leopard runs 88 km/h.", False),
        ("[Cats](https://www.example.org/snow-leopard)\nUp to 88 km/h.", False),
        ("It reaches 58 km/h.", False),
        ("The leopardess sleeps.", False),
    ],
)
def test_a_page_is_about_what_its_words_name(text, about_it):
    assert about(text, "leopard") is about_it


def test_addresses_do_not_matter():
    numbered = re.sub(
        r"\(https?://[^)]*\)", "(https://www.example.org/3)", PAGES.replace("Up to", "Leopards: up to")
    )
    assert read("speed of leopard", numbered) == "58 km/h"


@pytest.mark.parametrize("stated", ["1,280 m", "1,280 metres", "1280-meter", "1,280m"])
def test_figures_are_read_as_pages_write_them(stated):
    assert read("length of Old Bridge", f"The Old Bridge: {stated}.") == "1280 m"


def test_miles_are_read_where_no_page_states_kilometers():
    assert read("speed of leopard", PAGES.replace("km/h", "mph").replace("kilometers", "miles")) == "58 mph"


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ("length of leopard", "length"),
        ("speed of lion", "lion"),
        ("weight of leopard", "speed of …, length of …"),
        ("", "speed of …, length of …"),
    ],
)
def test_what_is_not_stated_is_an_error_that_says_so(fact, told):
    with pytest.raises(ValueError, match=told):
        read(fact, PAGES)
