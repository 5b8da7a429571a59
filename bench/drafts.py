"""Speculative decoding by n-grams (--spec-type ngram-mod): runs with it ÷ without.

Does: asks two servers that differ in that flag only, in turn: first a question of the same kind as those before it, then
the leopard question again and again, which is the best case. Fails when the two do not say the same. Does not: judge the
first run after the start, where there is nothing yet to guess from.
"""

from functools import partial

from bench.recorded import Run, compared, plain, timed
from bench.rows import Row, rotated
from bench.setting import Setting
from course.agent import LEOPARD

PAIRS = (
    ("cheetah", "Golden Gate Bridge"),
    ("lion", "Tower Bridge"),
    ("ostrich", "Ponte Vecchio"),
    ("greyhound", "Charles Bridge"),
    ("brown bear", "Rialto Bridge"),
)


def asked(animal: str, place: str) -> str:
    """The leopard question about others."""
    return LEOPARD.replace("leopard", animal).replace("Pont des Arts", place)


def measure(setting: Setting) -> list[Row]:
    with setting.server() as guessing, setting.server(spec_type="none") as plainly:
        servers = {"guessing": guessing, "plain": plainly}

        def runs(questions: list[str]) -> dict[str, list[Run]]:
            made: dict[str, list[Run]] = {name: [] for name in servers}
            for round, question in enumerate(questions):
                for name in rotated(list(servers), round):
                    made[name].append(timed(partial(plain, servers[name]), question))
            return made

        runs([LEOPARD])
        new = runs([asked(*pair) for pair in PAIRS[: setting.runs]])
        runs([LEOPARD])
        return rows(new, runs([LEOPARD] * setting.runs))


def rows(new: dict[str, list[Run]], again: dict[str, list[Run]]) -> list[Row]:
    """Pure: seconds of whole runs, a question the server has not seen and one that it has."""
    made = []
    for what, runs in (("another question of the kind", new), ("the same question again", again)):
        answers = {name: [run.answer for run in some] for name, some in runs.items()}
        failed = answers["guessing"] != answers["plain"]
        both = {name: runs[name] for name in ("guessing", "plain")}
        made.append(compared(f"{what}: with guesses ÷ without", both, failed=failed))
    return made
