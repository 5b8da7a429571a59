"""docs/faults.md: every fault has its place, and the lesson and the page agree on it."""

import re

from authoring import faultlist
from course import ROOT
from course.diagnose.faults import kinds

PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
LESSON = (ROOT / "notebooks" / "source" / "12_debug_your_own_agent.py").read_text(encoding="utf-8")


def test_every_fault_is_under_a_question():
    assert {fault.question for fault in kinds().values()} == set(range(len(faultlist.QUESTIONS)))
    assert set(faultlist.INSTEAD) <= set(kinds())
    for kind in kinds():
        assert PAGE.count(f'<a id="{kind}"></a>') == 1
    assert "<think>" not in PAGE, "GitHub would take it for HTML"


def test_the_questions_are_those_of_the_lesson():
    asked = dict(re.findall(r"^# \| (\d) \| (.+?) \|", LESSON, re.MULTILINE))
    headings = [re.fullmatch(r"Question (\d): (.+)", heading) for heading in faultlist.QUESTIONS]
    assert {match[1]: match[2].lower() for match in headings if match} == {
        number: question.lower() for number, question in asked.items()
    }


def test_what_is_easily_mistaken_is_named_as_a_diagnosis_does():
    mistaken = PAGE.partition("## Often mistaken")[2].partition("<!-- faults")[0]
    rows = [line.split(" | ")[1] for line in mistaken.splitlines() if line.startswith("| ") and "`" in line]
    named = [name for row in rows for name in re.findall(r"`([^`]+)`", row)]
    assert len(rows) >= 10
    assert set(named) <= set(kinds())


def test_faults_of_one_client_are_marked():
    """What only the detectors of steps find needs smolagents, which quotes its steps. Loops are found elsewhere, too."""
    source = (ROOT / "course" / "diagnose" / "stepfaults.py").read_text(encoding="utf-8")
    of_steps = set(re.findall(r'found\("([\w-]+)"', source)) - {"repeated-action"}
    assert {kind for kind, fault in kinds().items() if fault.client == "smolagents"} == of_steps
    assert all(f"`{kind}` (smolagents) |" in PAGE for kind in of_steps)
    assert PAGE.count("(smolagents) |") == len(of_steps)
