"""Speculative decoding from n-grams (--spec-type ngram-mod): runs with it ÷ without.

Takes turns between two servers that differ only in that flag. Asks questions of the same kind, each new to them, then the
same question repeatedly, which is the best case. Fails if the two give different answers. Does not count the first run
after the start, since there is nothing yet to draft tokens from.
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
ON, OFF = "on", "off"


def asked(animal: str, place: str) -> str:
    """The leopard question about another animal and place."""
    return LEOPARD.replace("leopard", animal).replace("Pont des Arts", place)


def measure(setting: Setting) -> list[Row]:
    with setting.server() as drafting, setting.server(spec_type="none") as plainly:
        servers = {ON: drafting, OFF: plainly}

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
    """Pure: seconds of whole runs, for questions new to the server and for one that it has answered before."""
    made = []
    for what, runs in (("a new question of the kind", new), ("the same question again", again)):
        answers = {name: [run.answer for run in some] for name, some in runs.items()}
        both = {name: runs[name] for name in (ON, OFF)}
        made.append(compared(f"{what}: with ÷ without", both, failed=answers[ON] != answers[OFF]))
    return made
