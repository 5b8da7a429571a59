"""How two workers share the tests and the processors."""

import pytest

from support import sharing


@pytest.mark.parametrize(
    ("processors", "shares"),
    [([0, 1], [[0], [1]]), ([0, 1, 2, 3, 4], [[0, 1], [2, 3]]), ([7], [[7], [7]])],
)
def test_each_worker_has_its_own_processors_where_there_are_enough(processors, shares):
    assert [sharing.share(processors, worker, 2) for worker in (0, 1)] == shares


def test_what_shares_a_fixture_stays_together_and_the_longest_begin_first():
    paths = [
        "tests/unit/test_a.py",
        "tests/container/test_b.py",
        "tests/container/test_c.py",
        "notebooks/06_x.ipynb",
    ]
    names = [sharing.group(path) for path in paths]
    assert names == ["tests/unit/test_a.py", "tests/container", "tests/container", "notebooks/06_x.ipynb"]
    assert sorted(set(names), key=sharing.rank) == [names[3], names[1], names[0]]
