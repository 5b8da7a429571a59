"""Right and wrong answers to the exercises of lesson 12. test_exam.py tries the exam's more thoroughly."""

import json
import tempfile
from pathlib import Path
from types import SimpleNamespace

from course import exam
from support.exercises import Answers


def graded(number):
    """Answers to a tape of the exam: the solution in other words, another fault, no proof, and no turn."""
    right = exam.solution(number)
    others = sorted(
        set(exam.signs()) - {exam.key(number).fault, *exam.key(number).same, *exam.key(number).effects}
    )
    said = right["fault"].upper().replace("-", " ")
    proof = right["proof"] and json.dumps(right["proof"])
    wrong = [right | {"fault": others[0]}, right | {"fault": others[1]}, dict.fromkeys(right, "it is slow")]
    if right["proof"]:
        wrong.append(right | {"proof": '"role"'})
    return Answers(
        right=[right, right | {"fault": said}, right | {"turn": f"turn {right['turn']}", "proof": proof}],
        wrong=wrong,
        given={"exam": exam},
    )


def repairing(*reasons):
    """The names that the check of 12.1 uses: a repaired program whose answers end for these reasons."""
    folder = Path(tempfile.mkdtemp())
    (folder / "repaired.py").write_text("")
    return {
        "folder": folder,
        "repaired": folder / "repaired.py",
        "sys": SimpleNamespace(executable="python"),
        "tap": lambda *command, tape: None,
        "Tape": SimpleNamespace(read=lambda path: SimpleNamespace(records=lambda: list(reasons))),
        "turns": lambda records: [SimpleNamespace(finish_reason=reason) for reason in records],
    }


MINE = Path(tempfile.mkdtemp()) / "lesson-12.tape.jsonl"
MINE.write_bytes(exam.tape(4).read_bytes())
STRANGERS = Path(tempfile.mkdtemp(prefix="stranger-"))
(STRANGERS / "before.tape.jsonl").write_bytes(exam.tape(4).read_bytes())
FOUND = {"tape": MINE, "turn": 1, "fault": "none", "proof": "import os"}

ANSWERS = {
    "12.1": Answers(
        right=[["stop", "stop"], ("stop", "stop"), ["length", "length", "stop", "stop"]],
        wrong=[["length", "length"], ["stop"], ["stop", "length"]],
        given=lambda: repairing("stop", "stop"),
    ),
    **{
        f"12.{number}": graded(number) for number in exam.numbers() if number > 1
    },  # the first is solved there
    "12.9": Answers(
        right=[FOUND, FOUND | {"tape": str(MINE)}, FOUND | {"turn": "turn 2", "fault": "it was slow"}],
        wrong=[
            FOUND | {"tape": "nowhere"},
            FOUND | {"turn": 9},
            FOUND | {"proof": "never said"},
            FOUND | {"tape": STRANGERS / "before.tape.jsonl"},
        ],
        given={"exam": exam, "Path": Path, "folder": STRANGERS},
    ),
}
