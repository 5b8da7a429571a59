"""Forbidden imports: tasks that tempt an agent to import what smolagents does not allow. It recovers, or says it cannot."""

import random

from training.families.entities import word
from training.families.pages import Web
from training.families.phrasings import around
from training.families.wishes import CAN, CANNOT, SHORT, SUMS
from training.tasks import Move, Task, code, states

FAMILY = "forbidden import"


def draw(rng: random.Random, training: bool) -> Task:
    return _cannot(rng, training) if rng.random() < 0.6 else _can(rng, training)


def _cannot(rng: random.Random, training: bool) -> Task:
    wish = rng.choice(CANNOT[training])
    module, names = wish.modules[0], {"word": word(rng), "name": word(rng).upper()}

    def script(seen: list[str]) -> Move:
        if seen:
            return Move(
                f"The import of {module} was refused. I wanted to {wish.what}. No allowed module can do that. "
                "I say so instead of guessing.",
                code(
                    "I cannot do this with the allowed modules, and I say so.",
                    f'final_answer("I cannot {wish.what}: the import of {module} is not allowed here.")',
                ),
            )
        return Move(
            f"My tool web_search cannot {wish.what}. The module {module} could. I try it and look at what the code prints.",
            code(f"I try it with {module}.", f"import {module}", wish.line.format(**names)),
        )

    return Task(
        FAMILY,
        around(rng, rng.choice(wish.questions).format(**names), training),
        script,
        lambda answer: "cannot" in answer and any(f"import of {one} " in answer for one in wish.modules),
        [Web([])],
        expected=f"cannot, {' or '.join(wish.modules)}",
    )


def _can(rng: random.Random, training: bool) -> Task:
    one = SUMS[rng.choice(list(SUMS) if training else ["mean", "median", "sum"])]
    library, name = rng.choice(list(SHORT)), rng.choice(one.names) if training else one.names[0]
    numbers = [rng.randint(1, 99) for _ in range(rng.randint(3, 6))]
    listed = "[" + ", ".join(map(str, numbers)) + "]"
    said = ", ".join(map(str, numbers[:-1])) + f" and {numbers[-1]}"

    def script(seen: list[str]) -> Move:
        if not seen:
            return Move(
                f"The task names {library}. I import it and compute the {name} of the numbers.",
                code(f"I try it with {library}.", f"import {library} as {SHORT[library]}",
                     f"print({getattr(one, library).format(list=listed)})"),
            )  # fmt: skip
        if "not allowed" in seen[-1]:
            return Move(
                f"The import of {library} was refused. I wanted to compute the {name} of the numbers. "
                "Plain Python can do that.",
                code(
                    f"I compute it without {library}.",
                    *([one.needs] if one.needs else []),
                    f"result = {one.plain.format(list=listed)}",
                    "print(result)",
                ),
            )
        return Move(
            "The code printed the result. I answer with its variable.",
            code("I have the result.", f'final_answer(f"The {name} is {{round(result, 2)}}.")'),
        )

    expected = one.compute(numbers)
    return Task(
        FAMILY,
        around(rng, rng.choice(CAN[training]).format(library=library, name=name, numbers=said), training),
        script,
        lambda answer: states(answer, expected),
        [Web([])],
        expected=f"{round(expected, 2)}",
    )
