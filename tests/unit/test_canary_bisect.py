"""The canary's bisecting, in worlds whose culprits are known."""

import random

import pytest

from authoring.canary.bisect import Culprit, Found, Needs, Outcome, Verdict, convict

LETTERS = frozenset("abcdefghijklmnop")


class World:
    """Fails if one of the `guilty` sets is installed completely; a set is impossible if it breaks `rules` (a ⇒ b)."""

    def __init__(self, *guilty, rules=(), flaky=None, lock_fails=False):
        self.guilty, self.rules, self.flaky, self.lock_fails = (
            [*map(frozenset, guilty)],
            rules,
            flaky,
            lock_fails,
        )
        self.tried = []

    def __call__(self, names):
        self.tried.append(names)
        if any(a in names and b not in names for a, b in self.rules):
            return Outcome.UNRESOLVED
        if self.flaky is not None:
            return self.flaky(names)
        fails = self.lock_fails or any(guilty <= names for guilty in self.guilty)
        return Outcome.FAILS if fails else Outcome.PASSES


def names(found: Found):
    return [sorted(culprit.packages) for culprit in found.culprits]


def test_one_culprit_is_found_and_verified():
    world = World("k")
    found = convict(LETTERS, {}, world)
    assert (found.verdict, names(found)) == (Verdict.GUILTY, [["k"]])
    assert world.tried.count(frozenset("k")) >= 2, "the lock with the culprit was not tried a second time"
    assert world.tried.count(LETTERS - {"k"}) >= 2, "the newest without the culprit was not tried twice"


def test_one_culprit_among_64_takes_few_checks():
    found = convict({f"p{i}" for i in range(64)}, {}, World(["p37"]))
    assert names(found) == [["p37"]]
    assert found.checks <= 20, f"{found.checks} checks"


@pytest.mark.parametrize("pair", ["ap", "hi", "ab", "dm"])
def test_two_packages_that_fail_only_together_are_one_culprit(pair):
    found = convict(LETTERS, {}, World(pair))
    assert (found.verdict, names(found)) == (Verdict.GUILTY, [sorted(pair)])


def test_two_independent_culprits_are_two():
    found = convict(LETTERS, {}, World("c", "n"))
    assert found.verdict is Verdict.GUILTY
    assert sorted(names(found)) == [["c"], ["n"]]


def test_what_a_culprit_needs_comes_along_but_is_innocent():
    found = convict(LETTERS, {"c": "d", "d": "e"}, World("c", rules=["cd", "de"]))
    assert found.culprits == (Culprit(frozenset("c"), frozenset("de")),)


def test_a_culprit_that_others_need_is_found_beneath_them():
    found = convict(LETTERS, {"a": "p", "b": "a"}, World("p", rules=["ap", "ba"]))
    assert found.culprits == (Culprit(frozenset("p")),)


def test_packages_that_need_each_other_are_named_together():
    found = convict(LETTERS, {"c": "d", "d": "c"}, World("d", rules=["cd", "dc"]))
    assert names(found) == [["c", "d"]]


@pytest.mark.parametrize("seed", range(20))
def test_rules_that_nobody_told_only_make_sets_unresolved(seed):
    """The metadata of packages does not tell all; what the resolver refuses does not end the search."""
    chance = random.Random(seed)
    guilty = chance.choice(sorted(LETTERS))
    rules = [tuple(chance.sample(sorted(LETTERS), 2)) for _ in range(5)]
    world = World(guilty, rules=rules)
    found = convict(LETTERS, {}, world)
    hidden = Needs({a: [b for x, b in rules if x == a] for a, _ in rules})
    assert found.culprits, f"{guilty} was not found: {found}"
    moved = found.culprits[0].moved
    assert guilty in moved <= hidden.down(moved), f"{guilty} is not among {sorted(moved)}"
    assert moved <= hidden.down([guilty]) | hidden.up([guilty]), f"{sorted(moved)} has bystanders"


def test_a_check_that_fails_now_and_then_is_called_flaky():
    chance = random.Random(1)
    world = World(flaky=lambda names: chance.choice([Outcome.PASSES, Outcome.FAILS]))
    verdicts = {convict(LETTERS, {}, world).verdict for _ in range(40)}
    assert Verdict.FLAKY in verdicts
    assert Verdict.GUILTY not in verdicts, "a coin was taken for a culprit"


def test_a_failure_that_comes_once_is_flaky_and_names_nobody():
    first = iter([Outcome.FAILS])
    found = convict(LETTERS, {}, World(flaky=lambda names: next(first, Outcome.PASSES)))
    assert (found.verdict, found.culprits) == (Verdict.FLAKY, ())


def test_a_lock_that_fails_too_blames_no_package():
    found = convict(LETTERS, {}, World(lock_fails=True))
    assert (found.verdict, found.culprits) == (Verdict.LOCK_FAILS, ())


def test_newest_packages_that_pass_take_one_check():
    found = convict(LETTERS, {}, World())
    assert (found.verdict, found.checks) == (Verdict.HEALTHY, 1)
