"""The exam of lesson 12: its key fits its tapes, and a wrong answer is told why."""

import pytest

from course import exam
from course.diagnose import diagnose
from course.exam import NONE, grade, haystack, key, plain

FAULTY = [n for n in exam.numbers() if key(n).fault != NONE]
HEALTHY = [n for n in exam.numbers() if key(n).fault == NONE]


def test_there_are_eight_tapes_and_one_or_more_is_healthy():
    assert exam.numbers() == [int(path.name.partition(".")[0]) for path in sorted(exam.TAPES.iterdir())]
    assert len(exam.numbers()) == 8
    assert HEALTHY


@pytest.mark.parametrize("number", exam.numbers())
def test_the_solution_is_right(number):
    assert exam.grader(number)(exam.solution(number)) is True


@pytest.mark.parametrize("number", exam.numbers())
def test_course_diagnose_agrees(number):
    """An exam that the course's own tool fails would teach the wrong names, or the wrong turns."""
    right = key(number)
    found = [(finding.kind, finding.turn) for finding in diagnose(exam.turns(number))]
    if right.fault == NONE:
        assert {kind for kind, _ in found} <= set(right.effects), found
    else:
        assert (right.fault, right.turn) in found, found
        others = {kind for kind, _ in found} & set(exam.signs()) - {right.fault}
        assert others <= {*right.same, *right.effects}, found


def test_each_fault_of_the_list_belongs_to_a_question():
    questions = exam.questions()
    assert list(questions) == ["1", "2", "3", "4", "5", "6", "end"]
    assert sum(map(len, questions.values())) == len(exam.signs())


def test_no_two_tapes_have_the_same_fault():
    faults = [key(n).fault for n in exam.numbers()]
    assert len(set(faults)) == len(faults)


def test_the_agreement_that_the_lesson_claims_is_about_the_fault_itself():
    """Another name for it is a good answer, and no agreement."""
    found = {n: [key(n).fault] for n in FAULTY} | {n: list(key(n).effects) for n in HEALTHY}
    assert all(agrees for _, agrees in exam.claims(found))
    for n in FAULTY:
        claimed = dict(exam.claims(found | {n: [*key(n).same, *key(n).effects]}))
        assert list(claimed.values()).count(False) == 1
    for n in HEALTHY:
        assert not all(agrees for _, agrees in exam.claims(found | {n: ["answer-cut"]}))


@pytest.mark.parametrize("number", FAULTY)
def test_the_proof_proves(number):
    """It is in the turn of the fault; and what is in a turn without the fault proves nothing."""
    right, turns = key(number), exam.turns(number)
    assert any(
        exam.solution(number)["proof"] in haystack(turns[n - 1]) for n in (right.turn, right.told_in) if n
    )
    said = grade({"turn": right.turn, "fault": right.fault, "proof": '"role"'}, right, turns, exam.signs())
    assert said is not True
    assert "proof" in said or "bytes" in said


@pytest.mark.parametrize("number", exam.numbers())
def test_each_wrong_fault_is_told_what_it_would_look_like(number):
    right, turns, signs = key(number), exam.turns(number), exam.signs()
    for fault in set(signs) - {right.fault, *right.same}:
        said = grade({"turn": max(right.turn, 1), "fault": fault, "proof": "x"}, right, turns, signs)
        assert isinstance(said, str)
        assert signs[fault] in said or fault in right.effects
        assert not any(name in said for name in {right.fault} - {fault}), "the right answer is given away"


@pytest.mark.parametrize("number", FAULTY)
def test_none_and_another_turn_are_wrong(number):
    right, turns, signs = key(number), exam.turns(number), exam.signs()
    assert grade({"turn": None, "fault": "none", "proof": None}, right, turns, signs) is not True
    for turn in {1, len(turns)} - {right.turn, right.told_in}:
        said = grade({"turn": turn, "fault": right.fault, "proof": "x"}, right, turns, signs)
        assert "earlier" in said if turn > right.turn else "later" in said


@pytest.mark.parametrize("number", exam.numbers())
def test_a_solved_tape_is_debriefed_and_an_open_one_gives_nothing_away(number):
    right, told = key(number), exam.debrief(number, exam.solution(number))
    for part in (right.cause, right.hidden, right.repair):
        assert " ".join(part.split()) in " ".join(told.split())
    assert all(f.kind in told for f in diagnose(exam.turns(number)))
    other = "connection-lost"
    for answer in (None, {"turn": ..., "fault": ..., "proof": ...}, exam.solution(number) | {"fault": other}):
        told = exam.debrief(number, answer)
        assert right.cause not in told
        assert right.fault not in told


@pytest.mark.parametrize(
    ("number", "proof"),
    [
        (2, "Cannot continue an assistant message that contains tool calls."),
        (2, "HTTP 400: Cannot continue an assistant message that contains tool calls."),
        (2, '1200 plus 1300.\\n"}],"max_tokens":200'),
        (2, '1300.\\n"}]'),
        (3, "Current time: 14:41:49"),
        (3, exam.solution(3)["proof"]),
        (3, f'"cache_n":{exam.turns(3)[1].tokens.cached}'),
        (3, f'"prompt_n":{exam.turns(3)[1].exchange.response["timings"]["prompt_n"]}'),
        (5, '"prompt_tokens":2376'),
        (5, "'prompt_tokens': 2376"),
        (5, '"completion_tokens":131,"prompt_tokens":2376,"total_tokens":2507'),
        (5, '"cached_tokens":2375'),
        (5, '"cache_n":2375,"prompt_n":1,'),
        (5, '"prompt_n":1'),
        (6, "<think>"),
        (6, "</think>"),
        (7, "..._This content has been truncated to stay below 200 characters_..."),
        (7, "This content has been truncated"),
        (7, "truncated to stay below 200"),
        (8, '"stop_type":"word"'),
        (8, r'"stopping_word":"\n"'),
    ],
)
def test_a_proof_may_be_copied_from_what_the_lesson_prints(number, proof):
    right = key(number)
    assert exam.grader(number)({"turn": right.turn, "fault": right.fault, "proof": proof}) is True


@pytest.mark.parametrize(
    "answer",
    [
        None,
        3,
        "cut",
        {},
        {"turn": 1},
        {"turn": ..., "fault": ..., "proof": ...},
        {"turn": [], "fault": [], "proof": 1},
    ],
)
def test_an_answer_of_any_shape_gets_a_sentence(answer):
    for number in exam.numbers():
        said = exam.grader(number)(answer)
        assert said is not True or (
            number in HEALTHY and isinstance(answer, dict) and not answer.get("fault")
        )


@pytest.mark.parametrize(
    ("number", "proof"),
    [
        (2, '"tool_calls"'),
        (2, '"role":"assistant"'),
        (3, '"finish_reason":"stop"'),
        (3, "Current time:"),
        (5, '"prompt_n":'),
        (5, "speed_pages = web_search"),
        (6, "\n\n"),
        (7, "900 euros in its first year"),
        (7, "Execution logs:"),
        (8, '"finish_reason":"stop"'),
        (8, '"content":""'),
        (8, "\n"),
        (8, r'"stop":["\n"]'),
        (8, exam.turns(8)[0].exchange.raw_response),
    ],
)
def test_bytes_that_a_healthy_turn_has_too_are_not_a_proof(number, proof):
    right = key(number)
    assert exam.grader(number)({"turn": right.turn, "fault": right.fault, "proof": proof}) is not True


def test_what_a_tool_returned_may_be_told_in_the_request_that_quotes_it():
    """On tape 7 the text was cut in turn 1, and only the request of turn 2 has it."""
    proof = "This content has been truncated"
    for turn in (1, 2):
        assert exam.grader(7)({"turn": turn, "fault": "observation-truncated", "proof": proof}) is True


def test_a_turn_with_the_same_fault_is_no_argument_against_a_proof():
    """On tape 8, turn 2 has the same bytes as turn 1, because it has the same fault."""
    said = exam.grader(8)({"turn": 1, "fault": "stop-in-thinking", "proof": '"completion_tokens":8'})
    assert "turn 2" not in said
    assert "without the fault" not in said


def test_a_proof_may_come_from_json_python_or_a_page():
    assert (
        plain('"finish_reason": "length"')
        == plain("finish_reason='length'")
        == plain("finish_reason: length")
    )


@pytest.mark.parametrize(
    ("answer", "part"),
    [
        ({"tape": "/nowhere.tape.jsonl", "turn": 1, "fault": "none", "proof": "stop"}, "no tape"),
        ({"tape": exam.tape(1), "turn": 1, "fault": "none", "proof": "stop"}, "of the exam"),
        ([1, 2], "four parts"),
    ],
)
def test_a_tape_of_the_learners_own_is_looked_at(answer, part):
    assert part in exam.own(answer)


def test_a_tape_of_the_learners_own_holds_its_proof(tmp_path):
    mine = tmp_path / "mine.tape.jsonl"
    mine.write_bytes(exam.tape(FAULTY[0]).read_bytes())
    right = exam.solution(FAULTY[0])
    assert exam.own({"tape": str(mine), **right}) is True
    assert "does not contain" in exam.own({"tape": mine, **right, "proof": "never said"})
    assert "1 to" in exam.own({"tape": mine, **right, "turn": 99})


def test_an_empty_or_foreign_file_is_told(tmp_path):
    for name, content in (("empty", b""), ("binary", bytes(range(256))), ("text", b"hello\n")):
        path = tmp_path / name
        path.write_bytes(content)
        assert isinstance(exam.own({"tape": path, "turn": 1, "fault": "none", "proof": "stop"}), str)
