"""The calculator computes expressions and nothing else."""

import pytest

from course.tools.calculator import Calculator


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("round(155 / (58 / 3.6), 2)", "9.62"),
        ("mode([58, 60, 58])", "58"),
        ("round(mode([155, 155]) / (mode([58, 58, 60]) * 1000 / 3600), 2)", "9.62"),
        ("round(155 * m / (58 * km/h), 2)", "9.62"),
        ("round(508 * ft / (36 * mph), 2)", "9.62"),
        (" 1 + 1 ", "2"),
    ],
)
def test_it_computes(expression, value):
    assert Calculator()(expression) == value


@pytest.mark.parametrize(
    "expression", ["x = 1", "import os", "open('a')", "1 +", "[].append(1) or __import__('os')"]
)
def test_anything_but_an_expression_is_refused_in_words(expression):
    with pytest.raises(ValueError, match="not an expression that can be computed"):
        Calculator()(expression)
