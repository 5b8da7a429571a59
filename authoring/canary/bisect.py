"""Find the smallest set of changed packages that makes a check fail. Pure: what a check is, the caller says.

Delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002) with its three outcomes.
Packages that can only be upgraded together, or only after another one, are moved together, so that few sets are impossible;
one that is impossible anyway, or that fails in another way, is unresolved.

    found = convict({"a", "b", "c"}, needs={"a": {"b"}}, test=run)
    found.culprits      # (Culprit(packages={"a"}, along={"b"}),): "a" is guilty, and "b" came along because "a" needs it
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise

Packages = frozenset[str]
MOST = 3
"""Independent culprits that are looked for. With more, the newest packages are too far from the lock for one issue."""


class Outcome(Enum):
    PASSES = "passes"
    FAILS = "fails"
    UNRESOLVED = "unresolved"
    """Cannot be installed, or fails in another way."""


class Verdict(Enum):
    HEALTHY = "healthy"
    GUILTY = "guilty"
    FLAKY = "flaky"
    """The same packages passed once and failed once."""
    LOCK_FAILS = "lock fails"
    """The locked versions fail, too, so no package that changed is to blame."""
    UNDECIDED = "undecided"
    """Without the culprits found, the check still does not pass."""


@dataclass(frozen=True)
class Culprit:
    """`packages` break the check, each of them being necessary; `along` had to be upgraded with them and is innocent."""

    packages: Packages
    along: Packages = frozenset()

    @property
    def moved(self) -> Packages:
        return self.packages | self.along


@dataclass(frozen=True)
class Found:
    """`checks` is how often the check ran. `doubt` says which set of packages did not behave the same twice."""

    verdict: Verdict
    culprits: tuple[Culprit, ...] = ()
    checks: int = 0
    doubt: str = ""


class Needs:
    """Which packages can be upgraded only if others are: name → the names it needs upgraded with it."""

    def __init__(self, needs: Mapping[str, Iterable[str]]) -> None:
        self.direct = {name: frozenset(others) for name, others in needs.items()}
        self.reverse: dict[str, set[str]] = {}
        for name, others in self.direct.items():
            for other in others:
                self.reverse.setdefault(other, set()).add(name)

    def down(self, names: Iterable[str]) -> Packages:
        """These packages and all that they need."""
        return _reached(names, self.direct)

    def up(self, names: Iterable[str]) -> Packages:
        """These packages and all that need them: what has to go if they go."""
        return _reached(names, self.reverse)

    def groups(self, names: Iterable[str]) -> list[Packages]:
        """The packages, those that need each other as one group. What is needed comes before what needs it."""
        members = sorted(set(names), key=lambda name: (len(self.down([name])), name))
        found: list[Packages] = []
        for name in members:
            if not any(name in group for group in found):
                found.append(self.down([name]) & self.up([name]))
        return found


def _reached(names: Iterable[str], edges: Mapping[str, Iterable[str]]) -> Packages:
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(edges.get(name, ()))
    return frozenset(seen)


def minimal(groups: Sequence[Packages], test: Callable[[Sequence[Packages]], Outcome]) -> Sequence[Packages]:
    """ddmin: a part of `groups` that fails, and that passes or is unresolved without any one of its groups.

    Assumes that all of them fail and none of them pass.
    """
    parts = 2
    while len(groups) > 1:
        size = len(groups)
        cuts = [size * i // parts for i in range(parts + 1)]
        chunks = [groups[a:b] for a, b in pairwise(cuts)]
        for chunk in chunks:
            if test(chunk) is Outcome.FAILS:
                groups, parts = chunk, 2
                break
        else:
            for chunk in chunks if parts > 2 else ():
                rest = [group for group in groups if group not in chunk]
                if test(rest) is Outcome.FAILS:
                    groups, parts = rest, max(parts - 1, 2)
                    break
            else:
                if parts >= size:
                    break
                parts = min(parts * 2, size)
    return groups


class Trial:
    """Runs the check on sets of packages, each set once; `again` runs one once more."""

    def __init__(self, test: Callable[[Packages], Outcome], needs: Needs) -> None:
        self.test, self.needs = test, needs
        self.seen: dict[Packages, Outcome] = {}
        self.checks = 0

    def __call__(self, names: Iterable[str]) -> Outcome:
        names = self.needs.down(names)
        if names not in self.seen:
            self.seen[names] = self._run(names)
        return self.seen[names]

    def again(self, names: Iterable[str]) -> bool:
        """Whether the set behaves as it did before."""
        names = self.needs.down(names)
        return self._run(names) is self(names)

    def _run(self, names: Packages) -> Outcome:
        self.checks += 1
        return self.test(names)


def convict(
    changed: Iterable[str], needs: Mapping[str, Iterable[str]], test: Callable[[Packages], Outcome]
) -> Found:
    """Which of the changed packages break the check.

    `test` is given the set of packages that are new, all others being as locked. A culprit is verified: the lock with it
    alone fails, and fails again; the newest packages without all culprits pass, and pass again.
    """
    links = Needs(needs)
    trial = Trial(test, links)
    everything = links.down(changed)

    def say(verdict: Verdict, doubt: str = "") -> Found:
        return Found(verdict, tuple(culprits), trial.checks, doubt)

    culprits: list[Culprit] = []
    if trial(everything) is Outcome.PASSES:
        return say(Verdict.HEALTHY)
    if not trial.again(everything):
        return say(Verdict.FLAKY, "the newest packages")
    if trial(()) is not Outcome.PASSES:
        return say(Verdict.LOCK_FAILS)
    rest = everything
    while trial(rest) is Outcome.FAILS and len(culprits) < MOST:
        groups = minimal(links.groups(rest), lambda chosen: trial(frozenset().union(*chosen)))
        culprit = _without_bystanders(links.down(frozenset().union(*groups)), links, trial)
        if not trial.again(culprit.moved):
            return say(Verdict.FLAKY, f"the lock with {', '.join(sorted(culprit.packages))}")
        culprits.append(culprit)
        rest -= links.up(culprit.packages)
    if not culprits or trial(rest) is not Outcome.PASSES:
        return say(Verdict.UNDECIDED)
    if rest and not trial.again(rest):
        return say(Verdict.FLAKY, "the newest packages without the culprits")
    return say(Verdict.GUILTY)


def _without_bystanders(names: Packages, links: Needs, trial: Trial) -> Culprit:
    """Leave out each package that nothing else in the set needs, as long as the rest still fails.

    `minimal` may have ended with a package that is innocent and needs the guilty one.
    """
    shrinking = True
    while shrinking:
        shrinking = False
        for top in _tops(names, links):
            smaller = names - links.up(top)
            if smaller and trial(smaller) is Outcome.FAILS:
                names, shrinking = smaller, True
                break
    guilty = frozenset().union(*_tops(names, links))
    return Culprit(guilty, names - guilty)


def _tops(names: Packages, links: Needs) -> list[Packages]:
    """The groups of the set that no other package of the set needs."""
    return [group for group in links.groups(names) if links.up(group) & names <= group]
