"""The tool reads what pages state about one subject, and nothing else."""

import pytest

from course.tools.figures import MostFrequentFigure

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


def test_miles_are_read_where_no_page_states_kilometers():
    assert read("speed of leopard", PAGES.replace("km/h", "mph").replace("kilometers", "miles")) == "58 mph"


@pytest.mark.parametrize(
    ("fact", "told"),
    [
        ("length of leopard", "length"),
        ("speed of lion", "/lion"),
        ("weight of leopard", "speed of …, length of …"),
        ("", "speed of …, length of …"),
    ],
)
def test_what_is_not_stated_is_an_error_that_says_so(fact, told):
    with pytest.raises(ValueError, match=told):
        read(fact, PAGES)
