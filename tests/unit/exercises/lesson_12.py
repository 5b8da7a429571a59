"""Right and wrong answers to the exercises of lesson 12. test_exam.py tries the exam's more thoroughly."""

import json
import tempfile
from pathlib import Path
from types import SimpleNamespace

from course import exam
from support.exercises import Answers


def plainly(status, choice):
    if status != 200 or not choice:
        return 1
    message = choice["message"]
    if choice["finish_reason"] == "length":
        return 2
    if not (message.get("content") or message.get("tool_calls")):
        return 2
    if "</think>" in (message.get("content") or ""):
        return 3


def searching(status, choice):
    message = (choice or {}).get("message", {})
    checks = [
        status == 200 and bool(choice),
        (choice or {}).get("finish_reason") != "length"
        and any(message.get(k) for k in ("content", "tool_calls")),
        "</think>" not in str(message.get("content")),
    ]
    return next((n for n, fine in enumerate(checks, 1) if not fine), None)


def matching(status, choice):
    match (status, choice):
        case (200, {"finish_reason": "length"}):
            return 2
        case (200, {"message": {"content": None | ""} as message}) if not message.get("tool_calls"):
            return 2
        case (200, {"message": {"content": str(text)}}) if "</think>" in text:
            return 3
        case (200, {}):
            return None
    return 1


def leak_first(status, choice):
    if status == 200 and choice and "</think>" in (choice["message"].get("content") or ""):
        return 3
    return plainly(status, choice)


def finish_only(status, choice):
    return 2 if choice and choice["finish_reason"] == "length" else None


def no_calls(status, choice):
    if status != 200 or not choice:
        return 1
    return 2 if choice["finish_reason"] == "length" or not choice["message"]["content"] else None


def no_status(status, choice):
    return plainly(200, choice)


def graded(number):
    """Answers to a tape of the exam: the solution in other words, another fault, no proof, and no turn."""
    right = exam.solution(number)
    others = sorted(
        set(exam.signs()) - {exam.key(number).fault, *exam.key(number).same, *exam.key(number).effects}
    )
    said = right["fault"].upper().replace("-", " ")
    proof = right["proof"] and json.dumps(right["proof"])
    wrong = [right | {"fault": others[0]}, right | {"fault": others[1]}, dict.fromkeys(right, "it is slow")]
    return Answers(
        right=[right, right | {"fault": said}, right | {"turn": f"turn {right['turn']}", "proof": proof}],
        wrong=wrong,
        given={"exam": exam},
    )


def repairing(*reasons):
    """The names that the check of 12.2 uses: a repaired program whose answers end for these reasons."""
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


MINE = Path(tempfile.gettempdir()) / "lesson-12.tape.jsonl"
MINE.write_bytes(exam.tape(4).read_bytes())
FOUND = {"tape": MINE, "turn": 1, "fault": "none", "proof": "import os"}

ANSWERS = {
    "12.1": Answers(
        right=[plainly, searching, matching], wrong=[leak_first, finish_only, no_calls, no_status]
    ),
    "12.2": Answers(
        right=[["stop", "stop"], ("stop", "stop"), iter(["stop", "stop"])],
        wrong=[["length", "length"], ["stop"], ["stop", "length"]],
        given=lambda: repairing("stop", "stop"),
    ),
    **{f"12.{number + 2}": graded(number) for number in exam.numbers()},
    "12.11": Answers(
        right=[FOUND, FOUND | {"tape": str(MINE)}, FOUND | {"turn": "turn 2", "fault": "it was slow"}],
        wrong=[FOUND | {"tape": "nowhere"}, FOUND | {"turn": 9}, FOUND | {"proof": "never said"}],
        given={"exam": exam},
    ),
}
